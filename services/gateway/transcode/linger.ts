import type { RestRequest, RestResponse } from "./exchange.js";
import type { StartTimer } from "./timer.js";

/** Bounds of the time that an answered request's unread body is still taken in. */
export interface Lingering {
  readonly milliseconds: number;
  readonly startTimer: StartTimer;
}

/** Whether more of the request's body may still come. */
export function isUnread(request: RestRequest): boolean {
  return !request.complete && hasBody(request);
}

/** Ends an answer whose request may still be under way, which is taken in for a while and thrown away. */
export function endUnread(
  request: RestRequest,
  response: RestResponse,
  body: string | Uint8Array,
  lingering: Lingering,
): void {
  if (request.httpVersionMajor > 1) endStream(request, response, body, lingering);
  else endAfterBody(request, response, body, lingering);
}

/** Closing at once would reset the connection, and a client still sending would lose the answer. */
function endAfterBody(
  request: RestRequest,
  response: RestResponse,
  body: string | Uint8Array,
  { milliseconds, startTimer }: Lingering,
): void {
  const finish = (): void => {
    stopTimer();
    response.end();
  };
  const stopTimer = startTimer(milliseconds, finish);
  if (body.length > 0) response.write(body);
  request.once("end", finish).once("close", finish).resume();
}

/** A stream of HTTP/2 can be answered at once: resetting it afterwards takes nothing else along. */
function endStream(
  request: RestRequest,
  response: RestResponse,
  body: string | Uint8Array,
  { milliseconds, startTimer }: Lingering,
): void {
  const stopTimer = startTimer(milliseconds, () => response.destroy());
  request.once("end", stopTimer).once("close", stopTimer).resume();
  response.end(body);
}

function hasBody({ headers, httpVersionMajor }: RestRequest): boolean {
  // HTTP/2 frames a body without saying so in the headers.
  if (httpVersionMajor > 1) return true;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
