import type { OutgoingHttpHeaders } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { sharedTimers, type Timer } from "../timers.js";
import { ReplyBody } from "./wire-body.js";
import type { WireListener, WireStream } from "./wire-connection.js";
import { connectionError, isUnsentRequest } from "./wire-errors.js";
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

class WireCall implements WireListener {
  readonly #pool: WirePool;
  readonly #request: WireRequest;
  readonly #resolve: (reply: RawReply) => void;
  readonly #reject: (error: Error) => void;
  #leaveQueue: (() => void) | undefined;
  #unwatch: (() => void) | undefined;
  #timer: Timer | undefined;
  #stream: WireStream | undefined;
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
    try {
      this.#stream = session.begin(this.#request.headers, this.#request.frame, this);
    } catch (error) {
      if (isUnsentRequest(error)) this.#failUnsent(connectionError(error));
      else this.#fail(ConnectError.from(error, Code.Internal));
    }
  }

  onHeaders(headers: ReplyHeaders): void {
    this.#header = headers;
  }

  onData(chunk: Buffer): void {
    if (this.#settled) return;
    this.#body.add(chunk);
    const { extent } = this.#body;
    const { maxBytes } = this.#request;
    if (extent > maxBytes) this.#fail(tooLarge("read", extent, maxBytes));
  }

  onTrailers(trailers: ReplyHeaders): void {
    this.#trailer = trailers;
    // What follows a complete message would be a second one, which ends with the stream.
    if (this.#body.complete) this.#succeed();
  }

  onEnd(): void {
    this.#succeed();
  }

  onError(error: ConnectError, unsent: boolean): void {
    if (unsent) this.#failUnsent(error);
    else this.#fail(error);
  }

  /** No server has seen the call, so that it may go to another connection, whatever it does. */
  #failUnsent(error: ConnectError): void {
    this.#stream = undefined;
    if (this.#settled) return;
    if (this.#begun < beginnings) this.#findSession();
    else this.#fail(error);
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
    this.#stream?.cancel();
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
