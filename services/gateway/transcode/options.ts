import type { OutgoingHttpHeaders } from "node:http";
import type { DescMethod, Registry } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type { ErrorForm } from "./error-form.js";
import type { JsonCodec } from "./json.js";
import type { StartTimer } from "./timer.js";

/** A request that was answered with an error before its method was called. */
export interface Rejection<Context> {
  readonly incoming: Context;
  readonly httpMethod: string;
  /** The template that matched; absent when none did. */
  readonly route: string | undefined;
  readonly method: DescMethod | undefined;
  readonly status: number;
  /** The catalogue's reason. */
  readonly reason: string | undefined;
  readonly error: ConnectError;
}

/** Where a failure happened that was none of the catalogue's. */
export interface UnknownFailure<Context> {
  readonly incoming: Context;
  readonly method: DescMethod | undefined;
}

/** How a transcoder behaves. All but `requestId` have a default. */
export interface TranscoderOptions<Context> {
  /** Our id of a request, for the problem document and `x-request-id`. */
  requestId(incoming: Context): string;
  /** Accept fields and parameters that the method's request does not have. Default: never. */
  ignoreUnknownFields?(method: DescMethod): boolean;
  /** Refuse `If-Match` and `If-None-Match` where nobody would evaluate them. Default: leave them to the method. */
  strictPreconditions?: boolean;
  /** Headers of every answer of a method, before those that the method sets itself. Names in lower case. */
  replyHeaders?(method: DescMethod): OutgoingHttpHeaders;
  /** The form of a method's errors. Default: RFC 9457 problem documents. */
  errorForm?(method: DescMethod): ErrorForm | undefined;
  /** Called once for each request answered with an error without its method having been called. */
  onReject?(rejection: Rejection<Context>): void;
  /** Called with each failure that is no ConnectError; the client gets INTERNAL. */
  onError?(failure: unknown, where: UnknownFailure<Context>): void;
  /** Types that `google.protobuf.Any` and error details may hold. */
  registry?: Registry;
  /** Default: ProtoJSON by protobuf-es. */
  codec?: JsonCodec;
  /** Default: the process's own. */
  startTimer?: StartTimer;
  limits?: Partial<TranscoderLimits>;
}

/** What a request may ask of us. */
export interface TranscoderLimits {
  /** Of a request body. */
  readonly bodyBytes: number;
  /** Within each of these times a body must bring `bodyLeastBytes`, or its end; in milliseconds. */
  readonly bodyMs: number;
  readonly bodyLeastBytes: number;
  /** How long the unread body of a refused request is taken in, in milliseconds. */
  readonly lingerMs: number;
  /** Of a request target, in characters. */
  readonly urlLength: number;
  /** Of JSON objects and lists, and of names in a query parameter. */
  readonly depth: number;
  readonly queryParameters: number;
  /** Of an upload in messages, altogether; each of them may have `bodyBytes`, and arrives like a body. */
  readonly uploadBytes: number;
  /** How long an upload may rest between two messages, in milliseconds. */
  readonly uploadIdleMs: number;
  /** How long a client may leave a stream unread, in milliseconds. */
  readonly stalledMs: number;
  /** After how much silence an event stream gets a comment, in milliseconds. */
  readonly keepAliveMs: number;
}

/** The limits where the options say nothing. */
export const defaultLimits: TranscoderLimits = {
  bodyBytes: 1024 * 1024,
  bodyMs: 10_000,
  bodyLeastBytes: 10_000,
  lingerMs: 2000,
  urlLength: 8192,
  depth: 100,
  queryParameters: 100,
  uploadBytes: 1024 * 1024 * 1024,
  uploadIdleMs: 60_000,
  stalledMs: 60_000,
  keepAliveMs: 15_000,
};
