import type { DescMethod, DescMethodStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { errors } from "../../kit/errors.js";
import type { RestRequest, RestResponse } from "./exchange.js";
import { metadataOf, timeoutOf } from "./headers.js";

/**
 * A REST request, bound to its method. `header` and `signal` are made when first
 * read: pass the object on as it is, as a spread copy loses them.
 */
interface BoundCall<Method, Input, Context> {
  readonly method: Method;
  readonly input: Input;
  /** The client's end-to-end headers. */
  readonly header: Headers;
  /** Aborts when the client goes away before the end of the answer. */
  readonly signal: AbortSignal;
  /** How long the client waits, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** The template that matched. */
  readonly route: string;
  /** What `handle` was given. */
  readonly incoming: Context;
}

/** A request bound to a unary method. */
export type TranscodedCall<Context = unknown> = BoundCall<DescMethodUnary, Message, Context>;

/**
 * A request bound to a method that streams one way: one message for server
 * streaming, the messages of the upload for client streaming. Its signal also
 * aborts when nobody will read the rest of the answer.
 */
export type TranscodedStream<Context = unknown> = BoundCall<
  DescMethodStreaming,
  AsyncIterable<Message>,
  Context
>;

/** The method's answer. Failures reject with a ConnectError, its details kept. */
export interface TranscodedReply {
  readonly message: Message;
  readonly header: Headers;
  readonly trailer: Headers;
}

/**
 * The answer of a method that streams. Header and trailer are read after the
 * first and the last message; of client streaming one message is taken.
 */
export interface TranscodedStreamReply {
  readonly messages: AsyncIterable<Message>;
  readonly header: Headers;
  readonly trailer: Headers;
}

/** Everything that a call is made of. */
export interface CallParts<Method, Input, Context> {
  readonly method: Method;
  readonly route: string;
  readonly input: Input;
  readonly request: RestRequest;
  readonly response: RestResponse;
  readonly incoming: Context;
  /** Made of the response when absent. */
  readonly signal?: AbortSignal;
}

/** Makes a call. Throws PARAMETER_INVALID for a malformed timeout. */
export function createCall<Method extends DescMethod, Input, Context>(
  parts: CallParts<Method, Input, Context>,
): BoundCall<Method, Input, Context> {
  return new RestCall(parts);
}

class RestCall<Method, Input, Context> implements BoundCall<Method, Input, Context> {
  readonly method: Method;
  readonly input: Input;
  readonly timeoutMs: number | undefined;
  readonly route: string;
  readonly incoming: Context;
  private madeHeader: Headers | undefined;
  private madeSignal: AbortSignal | undefined;
  private readonly request: RestRequest;
  private readonly response: RestResponse;

  constructor(parts: CallParts<Method, Input, Context>) {
    this.method = parts.method;
    this.input = parts.input;
    this.route = parts.route;
    this.incoming = parts.incoming;
    this.request = parts.request;
    this.response = parts.response;
    this.madeSignal = parts.signal;
    this.timeoutMs = timeoutOf(parts.request.headers);
  }

  get header(): Headers {
    this.madeHeader ??= metadataOf(this.request.headers);
    return this.madeHeader;
  }

  get signal(): AbortSignal {
    this.madeSignal ??= watchDeparture(this.response).signal;
    return this.madeSignal;
  }
}

/** Aborts when the client goes away, but never after an answer: an abort costs more than all else here. */
export function watchDeparture(response: RestResponse): AbortController {
  const controller = new AbortController();
  const abort = (): void => {
    if (!response.writableEnded) controller.abort(errors.canceled());
  };
  if (response.destroyed) abort();
  else response.once("close", abort);
  return controller;
}
