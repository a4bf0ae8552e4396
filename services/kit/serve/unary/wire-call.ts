import type { IncomingHttpHeaders } from "node:http";
import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type UnaryResponse } from "@connectrpc/connect";
import { Metadata } from "../../calls/metadata.js";
import { type CallOrigin, CallValues, UnaryCall } from "../../calls/unary-call.js";
import { type Arrival, arrivalKey } from "../../chain/arrival.js";
import { parseTimeout, type timeoutHeaders } from "../../chain/deadline.js";
import { answerOf } from "../../chain/next.js";
import { errorFacts, errors } from "../../errors.js";
import type { Log } from "../../log.js";
import type { Timer, Timers } from "../../timers.js";
import type { UnaryMethod } from "./method-table.js";
import { timeoutInvalid } from "./refusals.js";

/** What every call from the wire shares. */
export interface WireSettings {
  /** Largest message, in bytes. */
  readonly limit: number;
  readonly timers: Timers;
  readonly log: Log;
  /** Told, when it is over, of a request that never became a call. */
  onRejected(request: Rejected, arrival: Arrival): void;
}

/** What is known of a request that never became a call. */
export interface Rejected {
  readonly headers: IncomingHttpHeaders;
  readonly method: string;
  readonly path: string;
  /** HTTP status of the answer. */
  readonly status: number;
}

/**
 * A unary call from the wire, from its message to its answer. Protocols add how
 * a message is read and how answers and errors are written; what they throw
 * while writing ends the call as a fault of ours.
 */
export abstract class WireCall implements CallOrigin {
  abstract readonly protocolName: string;
  abstract readonly requestMethod: string;
  abstract readonly url: string;
  readonly #arrival: Arrival;
  readonly #begun = performance.now();
  #call: UnaryCall | undefined;
  #backstop: Timer | undefined;
  #timeoutMs: number | undefined;
  #over = false;

  constructor(
    protected readonly target: UnaryMethod,
    protected readonly headers: IncomingHttpHeaders,
    arrival: Arrival,
    protected readonly settings: WireSettings,
  ) {
    this.#arrival = arrival;
  }

  get header(): Headers {
    return new Metadata(this.headers);
  }

  timeoutMs(): number | undefined {
    return this.#timeoutMs === undefined ? undefined : this.#timeoutMs - (performance.now() - this.#begun);
  }

  /** Whether the call has been answered, or nobody waits any more. */
  protected get over(): boolean {
    return this.#over;
  }

  /** HTTP status of the answer so far. */
  protected abstract readonly status: number;

  protected abstract sendReply(reply: UnaryResponse): void | Promise<void>;

  /** `call` has the headers that a handler left, if one was reached. */
  protected abstract sendError(error: ConnectError, call: UnaryCall | undefined): void | Promise<void>;

  /** Gives up on the connection, as nothing can be written any more. */
  protected abstract breakOff(): void;

  /** Takes over how long the caller waits; false when it says so in a malformed way, which is refused. */
  protected readTimeout(name: (typeof timeoutHeaders)[number]): boolean {
    const value = this.headers[name];
    if (value === undefined) return true;
    const asked = typeof value === "string" ? parseTimeout(name, value) : Number.POSITIVE_INFINITY;
    if (asked === Number.POSITIVE_INFINITY) {
      this.refuse(timeoutInvalid(name));
      return false;
    }
    this.#timeoutMs = asked;
    return true;
  }

  /** Answers a request that never becomes a call. */
  protected refuse(error: ConnectError): void {
    this.#arrival.rejection ??= errorFacts(error)?.reason ?? reasonOf(error);
    this.#end(error, undefined);
  }

  /** Ends a request whose body does not come. */
  protected cutOff(): void {
    this.#arrival.rejection ??= "BODY_TIMEOUT";
    this.#over = true;
    this.breakOff();
  }

  /** Passes the message through the chain to the handler, and answers. */
  protected serve(message: Message): void {
    const { method, serve } = this.target;
    const values = new CallValues().set(arrivalKey, this.#arrival);
    const call = new UnaryCall({ method, message, values, origin: this });
    this.#call = call;
    if (this.#timeoutMs !== undefined) this.#limitTime(call, this.#timeoutMs);
    answerOf(serve as Parameters<typeof answerOf>[0], call).then(
      (reply) => this.#answer(reply as UnaryResponse),
      (error) => this.#end(ConnectError.from(error, Code.Internal), call),
    );
  }

  /** The client is gone, or the connection is: tells the handler, unless it has answered. */
  protected leave(): void {
    this.#backstop?.stop();
    if (!this.#arrival.reachedChain) this.#report();
    if (this.#over) return;
    this.#over = true;
    this.#call?.abort(errors.canceled());
  }

  #report(): void {
    const { headers, requestMethod: method, status } = this;
    this.settings.onRejected({ headers, method, path: this.target.path, status }, this.#arrival);
  }

  /** For methods without a bound in the contract: the others answer before. */
  #limitTime(call: UnaryCall, ms: number): void {
    this.#backstop = this.settings.timers.start(ms, () => {
      const error = errors.deadlineExceeded({ deadline_ms: Math.round(ms) });
      this.#end(error, call);
      call.abort(error);
    });
  }

  #answer(reply: UnaryResponse): void {
    this.#backstop?.stop();
    if (this.#over) return;
    this.#over = true;
    this.#write(() => this.sendReply(reply), true);
  }

  #end(error: ConnectError, call: UnaryCall | undefined): void {
    this.#backstop?.stop();
    if (this.#over) return;
    this.#over = true;
    this.#write(() => this.sendError(error, call), false);
  }

  #write(send: () => void | Promise<void>, isReply: boolean): void {
    try {
      send()?.catch((cause) => this.#unwritable(cause, isReply));
    } catch (cause) {
      this.#unwritable(cause, isReply);
    }
  }

  #unwritable(cause: unknown, isReply: boolean): void {
    this.settings.log.error("an answer could not be written", { path: this.target.path, cause });
    if (isReply) this.#write(() => this.sendError(errors.internal(cause), undefined), false);
    else this.breakOff();
  }
}

/** What carries no reason on the wire. */
function reasonOf({ code }: ConnectError): string {
  return code === Code.ResourceExhausted ? "BODY_TOO_LARGE" : "PROTOCOL";
}
