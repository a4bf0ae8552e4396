import type { ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { constants } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { sharedTimers, type Timer } from "../timers.js";
import { ReplyBody } from "./wire-body.js";
import { connectionError, isUnsentRequest, resetError } from "./wire-errors.js";
import type { WirePool } from "./wire-pool.js";
import { type RawReply, type ReplyHeaders, tooLarge } from "./wire-reply.js";
import type { WireSession } from "./wire-session.js";

/** Tells a call that nobody waits for it any more. */
export interface Departure {
  /** Why, where that is so already. */
  left(): Error | undefined;
  /** Calls `leave` when it happens, until what it returns is called. */
  watch(leave: (reason: Error) => void): () => void;
}

/** A unary call that is about to be made. */
export interface WireRequest {
  readonly headers: OutgoingHttpHeaders;
  /** The message behind its prefix of five bytes. */
  readonly frame: Uint8Array;
  readonly departure: Departure | undefined;
  readonly timeoutMs: number | undefined;
  /** Largest message of the answer, in bytes. */
  readonly maxBytes: number;
}

const nothing: ReplyHeaders = Object.freeze({});
/** How often a call is begun anew that no server can have seen (gRPC's transparent retry). */
const beginnings = 3;

/**
 * Makes a call on a connection of the pool. Rejects with DEADLINE_EXCEEDED or
 * the departure's reason as soon as nobody waits any more, with the error of a
 * reset or of the connection, and with RESOURCE_EXHAUSTED for a large answer.
 */
export function exchange(pool: WirePool, request: WireRequest): Promise<RawReply> {
  return new Promise((resolve, reject) => new WireCall(pool, request, resolve, reject).begin());
}

class WireCall {
  readonly #pool: WirePool;
  readonly #request: WireRequest;
  readonly #resolve: (reply: RawReply) => void;
  readonly #reject: (error: Error) => void;
  #leaveQueue: (() => void) | undefined;
  #unwatch: (() => void) | undefined;
  #timer: Timer | undefined;
  #stream: ClientHttp2Stream | undefined;
  #due = Number.POSITIVE_INFINITY;
  #begun = 0;
  #settled = false;
  #header = nothing;
  #trailer = nothing;
  readonly #body = new ReplyBody();

  constructor(
    pool: WirePool,
    request: WireRequest,
    resolve: (reply: RawReply) => void,
    reject: (error: Error) => void,
  ) {
    this.#pool = pool;
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    const { departure, timeoutMs } = this.#request;
    const left = departure?.left();
    if (left) {
      this.#fail(left);
      return;
    }
    this.#unwatch = departure?.watch((reason) => this.#fail(reason));
    if (timeoutMs !== undefined) {
      this.#due = performance.now() + timeoutMs;
      this.#timer = sharedTimers.start(timeoutMs, this.#onTimeout);
    }
    this.#findSession();
  }

  #findSession(): void {
    const session = this.#pool.pick();
    if (session) this.#send(session);
    else {
      const leave = this.#pool.wait({
        take: (given) => this.#send(given),
        refuse: (error) => this.#fail(error),
      });
      if (!this.#stream && !this.#settled) this.#leaveQueue = leave;
    }
  }

  #send(session: WireSession): void {
    this.#leaveQueue = undefined;
    this.#begun += 1;
    let stream: ClientHttp2Stream;
    try {
      stream = session.request(this.#request.headers);
    } catch (error) {
      if (isUnsentRequest(error)) this.#failUnsent(error);
      else this.#fail(ConnectError.from(error, Code.Internal));
      return;
    }
    this.#stream = stream;
    let failure: Error | undefined;
    stream.on("response", (header) => {
      session.heard();
      this.#header = header;
    });
    stream.on("data", (chunk: Buffer) => this.#take(chunk));
    stream.on("trailers", (trailer) => {
      this.#trailer = trailer;
      // What follows a complete message would be a second one, which ends with the stream.
      if (this.#body.complete) this.#succeed();
    });
    stream.on("error", (error) => {
      failure = error;
    });
    stream.on("close", () => {
      session.release();
      if (!this.#settled) this.#ended(stream.rstCode, failure, session);
    });
    stream.end(this.#request.frame);
  }

  #take(chunk: Buffer): void {
    if (this.#settled) return;
    this.#body.add(chunk);
    const { extent } = this.#body;
    const { maxBytes } = this.#request;
    if (extent > maxBytes) this.#fail(tooLarge("read", extent, maxBytes));
  }

  #ended(rstCode: number, failure: Error | undefined, session: WireSession): void {
    const refused = rstCode === constants.NGHTTP2_REFUSED_STREAM && !isOfSession(failure);
    if (refused || isUnsentRequest(failure)) {
      this.#failUnsent(refused ? resetError(rstCode) : failure);
    } else {
      const problem = this.#problem(rstCode, failure, session);
      if (problem) this.#fail(problem);
      else this.#succeed();
    }
  }

  #problem(rstCode: number, failure: Error | undefined, session: WireSession): Error | undefined {
    if (failure && isOfSession(failure)) return connectionError(failure);
    if (rstCode !== constants.NGHTTP2_NO_ERROR) return resetError(rstCode);
    // A connection that is cut behind its GOAWAY closes its streams without an error.
    const answered = this.#header !== nothing && this.#stream?.readableEnded;
    return answered ? undefined : connectionError(session.failure);
  }

  /** No server has seen the call, so that it may go to another connection, whatever it does. */
  #failUnsent(error: unknown): void {
    this.#stream = undefined;
    if (this.#settled) return;
    if (this.#begun < beginnings) this.#findSession();
    else this.#fail(error instanceof ConnectError ? error : connectionError(error));
  }

  #succeed(): void {
    if (this.#settled) return;
    // A timer fires a little late, and an answer behind the deadline is none.
    if (performance.now() > this.#due) {
      this.#onTimeout();
      return;
    }
    this.#settle();
    this.#resolve({ header: this.#header, trailer: this.#trailer, body: this.#body.whole() });
  }

  #fail(error: Error): void {
    if (this.#settled) return;
    this.#settle();
    if (this.#stream && !this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#reject(error);
  }

  #settle(): void {
    this.#settled = true;
    this.#timer?.stop();
    this.#leaveQueue?.();
    this.#unwatch?.();
  }

  readonly #onTimeout = (): void => {
    this.#fail(new ConnectError("the operation timed out", Code.DeadlineExceeded));
  };
}

/** The departure that an abort signal tells of. */
export function departureOf(signal: AbortSignal | undefined): Departure | undefined {
  if (!signal) return undefined;
  const reason = () => ConnectError.from(signal.reason ?? new Error("the call was aborted"), Code.Canceled);
  return {
    left: () => (signal.aborted ? reason() : undefined),
    watch(leave) {
      const onAbort = () => leave(reason());
      signal.addEventListener("abort", onAbort);
      return () => signal.removeEventListener("abort", onAbort);
    },
  };
}

/** Whether a stream ended with its connection, rather than by a reset of its own. */
function isOfSession(failure: Error | undefined): boolean {
  return failure !== undefined && (failure as NodeJS.ErrnoException).code !== "ERR_HTTP2_STREAM_ERROR";
}
