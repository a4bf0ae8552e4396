import type { OutgoingHttpHeaders } from "node:http";
import type { Message, Registry } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { errors } from "../../kit/errors.js";
import type { TranscodedStreamReply } from "./call.js";
import type { ErrorForm } from "./error-form.js";
import type { Ends } from "./exchange.js";
import { addReplyHeaders } from "./headers.js";
import { problemOf } from "./problem.js";
import type { StreamFormat } from "./stream-format.js";
import type { StartTimer } from "./timer.js";

/** What answering with a stream needs. */
export interface StreamRendering {
  readonly format: StreamFormat;
  /** Aborted when the client goes away; aborted here when nobody will read the rest. */
  readonly departure: AbortController;
  readonly registry: Registry | undefined;
  readonly form: ErrorForm;
  readonly stalledMs: number;
  readonly keepAliveMs: number;
  readonly startTimer: StartTimer;
  /** What the client is told of a failure. */
  errorOf(failure: unknown): ConnectError;
}

/**
 * Answers with messages as they come, each flushed, at the client's pace. The
 * head leaves with the first message, or with the first sign of life: until
 * then a failure is thrown, from then on it travels in the stream. Resolves
 * when all is written or the client has gone; whoever makes the messages hears of that.
 */
export async function renderStream(
  ends: Ends,
  reply: TranscodedStreamReply,
  rendering: StreamRendering,
): Promise<void> {
  const writer = createWriter(ends, reply, rendering);
  const iterator = reply.messages[Symbol.asyncIterator]();
  let complete = false;
  try {
    for (;;) {
      const result = await nextMessage(iterator, rendering, writer.keepAlive);
      complete = result?.done === true;
      if (!result || result.done) break;
      if (!(await writer.message(result.value))) break;
    }
    writer.end();
  } catch (failure) {
    complete = true;
    if (!writer.begun()) throw failure;
    writer.fail(rendering.errorOf(failure));
  } finally {
    if (!complete) leave(iterator, rendering.departure);
  }
}

function createWriter(
  { request, response, requestId }: Ends,
  reply: TranscodedStreamReply,
  { format, form, departure, registry, stalledMs, startTimer }: StreamRendering,
) {
  const headOnly = request.method === "HEAD";
  let begun = false;
  let contentType = "";
  const begin = (first?: Message): void => {
    if (begun) return;
    begun = true;
    contentType = format.contentType(first);
    const headers = streamHeaders(contentType, requestId, reply.header);
    response.writeHead(200, { ...form.replyHeaders?.(reply.header), ...headers });
  };
  const close = (trailer: Headers): void => {
    const trailers: OutgoingHttpHeaders = {};
    addReplyHeaders(trailers, trailer);
    if (Object.keys(trailers).length > 0) response.addTrailers(trailers);
    response.end();
  };
  const { keepAlive } = format;
  return {
    begun: () => begun,
    /** Resolves to whether more is wanted. */
    async message(message: Message): Promise<boolean> {
      begin(message);
      if (headOnly) return false;
      if (!response.write(format.message(message))) {
        await drained(response, { signal: departure.signal, stalledMs, startTimer });
      }
      return !departure.signal.aborted;
    },
    keepAlive:
      keepAlive === undefined
        ? undefined
        : (): void => {
            begin();
            if (headOnly) departure.abort(errors.canceled());
            else response.write(keepAlive);
          },
    end(): void {
      if (departure.signal.aborted && !headOnly) return;
      begin();
      close(reply.trailer);
    },
    fail(error: ConnectError): void {
      if (departure.signal.aborted) return;
      // Raw bytes have no place for an error: breaking off, once they have left, is all that tells of it.
      const last = format.error
        ? format.error(problemOf(error, requestId, registry))
        : form.lastPiece?.(error, contentType);
      if (last === undefined)
        setImmediate(() => response.destroy(request.httpVersionMajor > 1 ? error : undefined));
      else {
        response.write(last);
        close(error.metadata);
      }
    },
  };
}

function streamHeaders(contentType: string, requestId: string, reply: Headers): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { "content-type": contentType, "x-request-id": requestId };
  addReplyHeaders(headers, reply);
  headers["cache-control"] ??= "no-store";
  headers.vary ??= "accept";
  // Some proxies collect an answer before they pass it on; this asks them not to.
  headers["x-accel-buffering"] ??= "no";
  return headers;
}

/** The next message, or undefined when the client goes away first. */
function nextMessage(
  iterator: AsyncIterator<Message>,
  { departure: { signal }, startTimer, keepAliveMs }: StreamRendering,
  onQuiet: (() => void) | undefined,
): Promise<IteratorResult<Message> | undefined> {
  return new Promise((resolve, reject) => {
    let stopTimer: () => void = () => undefined;
    const settle = (): void => {
      stopTimer();
      signal.removeEventListener("abort", leave);
    };
    const leave = (): void => {
      settle();
      resolve(undefined);
    };
    const listen = (say: () => void): void => {
      stopTimer = startTimer(keepAliveMs, () => {
        listen(say);
        say();
      });
    };
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave);
    if (onQuiet) listen(onQuiet);
    const pull = async (): Promise<IteratorResult<Message>> => iterator.next();
    pull().then(resolve, reject).finally(settle);
  });
}

/** Resolves when the client has caught up or gone; one that does not read is sent away. */
function drained(
  response: Ends["response"],
  { signal, stalledMs, startTimer }: { signal: AbortSignal; stalledMs: number; startTimer: StartTimer },
): Promise<void> {
  return new Promise((resolve) => {
    const stopTimer = startTimer(stalledMs, () => response.destroy());
    const settle = (): void => {
      stopTimer();
      response.off("drain", settle);
      signal.removeEventListener("abort", settle);
      resolve();
    };
    if (signal.aborted) return settle();
    response.once("drain", settle);
    signal.addEventListener("abort", settle);
  });
}

/** A generator in the middle of its work hears of it by the signal, one that waits for us by `return`. */
function leave(iterator: AsyncIterator<Message>, departure: AbortController): void {
  departure.abort(errors.canceled());
  // It may never return, and nobody is left to tell how it ended.
  iterator.return?.().catch(() => undefined);
}
