import type { OutgoingHttpHeaders } from "node:http";
import type { DescField, DescMessage, Message, Registry } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { ConnectError } from "@connectrpc/connect";
import { isHttpBody, type StartTimer } from "./body.js";
import type { TranscodedReply } from "./call.js";
import type { RestRequest, RestResponse } from "./exchange.js";
import { addReplyHeaders } from "./headers.js";
import type { JsonCodec } from "./json.js";
import { problemHeaders, problemOf, statusOf } from "./problem.js";
import type { Route } from "./route.js";

/** The two ends of one request. */
export interface Exchange {
  readonly request: RestRequest;
  readonly response: RestResponse;
  readonly requestId: string;
}

/** Answers a call's reply with 200. */
export type Render = (exchange: Exchange, reply: TranscodedReply) => void;

/** Plans how a route's reply is printed: as JSON, or raw when it is a `google.api.HttpBody`. */
export function planRender({ method, responseField }: Route, codec: JsonCodec): Render {
  const content = planContent(method.output, responseField, codec);
  return ({ request, response, requestId }, { message, header, trailer }) => {
    const { type, body } = content(message);
    const headers: OutgoingHttpHeaders = {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      "x-request-id": requestId,
    };
    addReplyHeaders(headers, header);
    addReplyHeaders(headers, trailer);
    response.writeHead(200, headers);
    response.end(request.method === "HEAD" ? undefined : body);
  };
}

/** Bounds of the time that an answered request's unread body is still taken in. */
export interface Lingering {
  readonly milliseconds: number;
  readonly startTimer: StartTimer;
}

/** Answers an error as RFC 9457 problem+json. */
export function renderProblem(
  exchange: Exchange,
  error: ConnectError,
  { registry, lingering }: { registry: Registry | undefined; lingering: Lingering },
): void {
  const { request, response, requestId } = exchange;
  const body = JSON.stringify(problemOf(error, requestId, registry));
  const headers: OutgoingHttpHeaders = {
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(body),
    "x-request-id": requestId,
    ...problemHeaders(error),
  };
  const unread = request.httpVersionMajor === 1 && !request.complete && hasBody(request);
  if (unread) headers.connection = "close";
  response.writeHead(statusOf(error), headers);
  const sent = request.method === "HEAD" ? "" : body;
  if (!unread) response.end(sent);
  else endAfterBody(request, response, sent, lingering);
}

/** Answers OPTIONS on a path that has no rule for it. */
export function renderOptions({ response, requestId }: Exchange, allow: string): void {
  response.writeHead(204, { allow, "x-request-id": requestId });
  response.end();
}

/** Closing at once would reset the connection, and a client still sending would lose the answer. */
function endAfterBody(
  request: RestRequest,
  response: RestResponse,
  body: string,
  { milliseconds, startTimer }: Lingering,
): void {
  const finish = (): void => {
    stopTimer();
    response.end();
  };
  const stopTimer = startTimer(milliseconds, finish);
  if (body !== "") response.write(body);
  request.once("end", finish).once("close", finish).resume();
}

function hasBody({ headers }: RestRequest): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

interface Content {
  readonly type: string;
  readonly body: string | Uint8Array;
}

function planContent(output: DescMessage, field: DescField | undefined, codec: JsonCodec) {
  if (isHttpBody(field ? (field.fieldKind === "message" ? field.message : undefined) : output)) {
    return (message: Message): Content => rawContent(message, field);
  }
  const print = codec.printer(output, field ? { field } : {});
  return (message: Message): Content => ({ type: "application/json", body: print(message) });
}

function rawContent(message: Message, field: DescField | undefined): Content {
  const holder = field ? reflect(field.parent, message) : undefined;
  const raw = (holder && field ? (holder.get(field) as { message: Message }).message : message) as Message & {
    contentType?: string;
    data?: Uint8Array;
  };
  return { type: raw.contentType || "application/octet-stream", body: raw.data ?? new Uint8Array() };
}
