import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { errors } from "../../kit/errors.js";
import type { RestRequest, RestResponse } from "./exchange.js";
import { metadataOf, timeoutOf } from "./headers.js";

/**
 * A REST request, bound to its method. `header` and `signal` are made when first
 * read: pass the object on as it is, as a spread copy loses them.
 */
export interface TranscodedCall<Context = unknown> {
  readonly method: DescMethodUnary;
  readonly input: Message;
  /** The client's end-to-end headers. */
  readonly header: Headers;
  /** Aborts when the client goes away before the answer. */
  readonly signal: AbortSignal;
  /** How long the client waits, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** The template that matched. */
  readonly route: string;
  /** What `handle` was given. */
  readonly incoming: Context;
}

/** The method's answer. Failures reject with a ConnectError, its details kept. */
export interface TranscodedReply {
  readonly message: Message;
  readonly header: Headers;
  readonly trailer: Headers;
}

/** Everything that a call is made of. */
export interface CallParts<Context> {
  readonly method: DescMethodUnary;
  readonly route: string;
  readonly input: Message;
  readonly request: RestRequest;
  readonly response: RestResponse;
  readonly incoming: Context;
}

/** Makes a call. Throws PARAMETER_INVALID for a malformed timeout. */
export function createCall<Context>(parts: CallParts<Context>): TranscodedCall<Context> {
  return new RestCall(parts);
}

class RestCall<Context> implements TranscodedCall<Context> {
  readonly method: DescMethodUnary;
  readonly input: Message;
  readonly timeoutMs: number | undefined;
  readonly route: string;
  readonly incoming: Context;
  private madeHeader: Headers | undefined;
  private madeSignal: AbortSignal | undefined;
  private readonly request: RestRequest;
  private readonly response: RestResponse;

  constructor(parts: CallParts<Context>) {
    this.method = parts.method;
    this.input = parts.input;
    this.route = parts.route;
    this.incoming = parts.incoming;
    this.request = parts.request;
    this.response = parts.response;
    this.timeoutMs = timeoutOf(parts.request.headers);
  }

  get header(): Headers {
    this.madeHeader ??= metadataOf(this.request.headers);
    return this.madeHeader;
  }

  get signal(): AbortSignal {
    this.madeSignal ??= goneSignal(this.response);
    return this.madeSignal;
  }
}

/** Never aborts after an answer: an abort costs more than all else here. */
function goneSignal(response: RestResponse): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    if (!response.writableEnded) controller.abort(errors.canceled());
  };
  if (response.destroyed) abort();
  else response.once("close", abort);
  return controller.signal;
}
