import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Readable, Writable } from "node:stream";

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
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: string | Uint8Array): unknown;
  destroy(error?: Error): unknown;
  once: Writable["once"];
  off: Writable["off"];
}
