import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Readable, Writable } from "node:stream";
import type { Endpoint } from "./endpoint.js";
import type { ErrorForm } from "./error-form.js";

/** What the transcoder needs of a request: node:http's, or node:http2's compatible one. */
export interface RestRequest extends Readable {
  readonly method?: string | undefined;
  /** The request target as it came. */
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersionMajor: number;
  /** The whole request has arrived. */
  readonly complete: boolean;
}

/** What the transcoder needs of a response: node:http's, or node:http2's compatible one. */
export interface RestResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed?: boolean;
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
  /** Returns false when the client reads too slowly: `drain` says when to go on. */
  write(chunk: string | Uint8Array): boolean;
  /** Sent behind the body, where the protocol has a place for them; before `end`. */
  addTrailers(headers: OutgoingHttpHeaders): void;
  end(chunk?: string | Uint8Array, encoding?: BufferEncoding): unknown;
  destroy(error?: Error): unknown;
  once: Writable["once"];
  off: Writable["off"];
}

/** The two ends of one request. */
export interface Ends {
  readonly request: RestRequest;
  readonly response: RestResponse;
  readonly requestId: string;
}

/** One request, and how far it has come. */
export interface Exchange<Context> extends Ends {
  readonly incoming: Context;
  /** Where it goes, once that is known. */
  endpoint: Endpoint | undefined;
  /** In which form its errors are told. */
  form: ErrorForm;
  /** Whether its method has been called. */
  called: boolean;
}
