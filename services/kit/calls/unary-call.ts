import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import type {
  ContextKey,
  ContextValues,
  HandlerContext,
  UnaryRequest,
  UnaryResponse,
} from "@connectrpc/connect";
import { callKey } from "../context.js";
import { Metadata } from "./metadata.js";

/** Where a call comes from. What is dear to make is asked for only when it is needed. */
export interface CallOrigin {
  readonly header: Headers;
  /** Aborts when nobody waits for the answer any more; absent when the call itself is told. */
  readonly signal?: AbortSignal;
  readonly url: string;
  readonly requestMethod: string;
  readonly protocolName: string;
  /** Milliseconds that the caller still waits, if it said so. */
  timeoutMs(): number | undefined;
}

/** What a call is made of. */
export interface UnaryCallParts {
  readonly method: DescMethodUnary;
  readonly message: Message;
  readonly values: ContextValues;
  readonly origin: CallOrigin;
}

/**
 * A unary call: the request that interceptors see and the context that its
 * handler gets, in one object. Its signal and headers are made when first read,
 * since an AbortController alone costs more than all layers together. Pass it on
 * as it is, as a spread copy loses what is not made yet.
 */
export class UnaryCall implements UnaryRequest, HandlerContext {
  readonly method: DescMethodUnary;
  readonly message: Message;
  readonly contextValues: ContextValues;
  readonly #origin: CallOrigin;
  #header: Headers | undefined;
  #responseHeader: Metadata | undefined;
  #responseTrailer: Metadata | undefined;
  #controller: AbortController | undefined;
  #letGo: (() => void) | undefined;
  #aborted = false;
  #reason: unknown;

  constructor({ method, message, values, origin }: UnaryCallParts) {
    this.method = method;
    this.message = message;
    this.contextValues = values;
    this.#origin = origin;
  }

  /** The request itself when it is a call already, else one that follows it: Connect's. */
  static of(request: UnaryRequest): UnaryCall {
    if (request instanceof UnaryCall) return request;
    const { method, message, contextValues: values } = request;
    return new UnaryCall({ method, message, values, origin: new FollowedRequest(request) });
  }

  get stream(): false {
    return false;
  }

  get service() {
    return this.method.parent;
  }

  get values(): ContextValues {
    return this.contextValues;
  }

  get header(): Headers {
    this.#header ??= this.#origin.header;
    return this.#header;
  }

  get requestHeader(): Headers {
    return this.header;
  }

  get responseHeader(): Metadata {
    this.#responseHeader ??= new Metadata();
    return this.#responseHeader;
  }

  get responseTrailer(): Metadata {
    this.#responseTrailer ??= new Metadata();
    return this.#responseTrailer;
  }

  /** Whether there are trailers to write. */
  get hasTrailers(): boolean {
    return this.#responseTrailer !== undefined && !this.#responseTrailer.isEmpty;
  }

  get url(): string {
    return this.#origin.url;
  }

  get requestMethod(): string {
    return this.#origin.requestMethod;
  }

  get protocolName(): string {
    return this.#origin.protocolName;
  }

  timeoutMs(): number | undefined {
    return this.#origin.timeoutMs();
  }

  get signal(): AbortSignal {
    if (this.#controller) return this.#controller.signal;
    this.#controller = new AbortController();
    if (this.#aborted) this.#controller.abort(this.#reason);
    else this.#follow(this.#origin.signal);
    return this.#controller.signal;
  }

  /** Tells the handler that nobody waits any more. Only the first reason counts. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** Lets go of the caller's signal, which may outlive the call. */
  release(): void {
    this.#letGo?.();
    this.#letGo = undefined;
  }

  #follow(outer: AbortSignal | undefined): void {
    if (!outer) return;
    if (outer.aborted) {
      this.abort(outer.reason);
      return;
    }
    const onAbort = () => this.abort(outer.reason);
    outer.addEventListener("abort", onAbort);
    this.#letGo = () => outer.removeEventListener("abort", onAbort);
  }
}

/** The answer to a unary call. Its headers are those that the call collected. */
export class UnaryReply implements UnaryResponse {
  constructor(
    readonly call: UnaryCall,
    readonly message: Message,
  ) {}

  get stream(): false {
    return false;
  }

  get service() {
    return this.call.service;
  }

  get method(): DescMethodUnary {
    return this.call.method;
  }

  get header(): Headers {
    return this.call.responseHeader;
  }

  get trailer(): Headers {
    return this.call.responseTrailer;
  }
}

/** What layers and handlers share of a call, as Connect has it, in objects of one shape. */
export class CallValues implements ContextValues {
  /** What is known of the call, which nearly every layer asks for. */
  #call: unknown;
  [key: symbol]: unknown;

  get<T>(key: ContextKey<T>): T {
    if (key.id === callKey.id) return this.#call as T;
    return key.id in this ? (this[key.id] as T) : key.defaultValue;
  }

  set<T>(key: ContextKey<T>, value: T): this {
    if (key.id === callKey.id) this.#call = value;
    else this[key.id] = value;
    return this;
  }

  delete(key: ContextKey<unknown>): this {
    if (key.id === callKey.id) this.#call = undefined;
    else delete this[key.id];
    return this;
  }
}

class FollowedRequest implements CallOrigin {
  readonly #request: UnaryRequest;

  constructor(request: UnaryRequest) {
    this.#request = request;
  }

  get header(): Headers {
    return this.#request.header;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  get url(): string {
    return this.#request.url;
  }

  get requestMethod(): string {
    return this.#request.requestMethod;
  }

  get protocolName(): string {
    return "connect";
  }

  timeoutMs(): undefined {
    // Connect keeps the time of its own requests.
    return undefined;
  }
}
