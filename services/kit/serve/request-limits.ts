import type { ConnectError } from "@connectrpc/connect";
import { type ConfigSource, integer } from "../config.js";
import { errors } from "../errors.js";
import type { Request } from "./listen.js";

/** What a request may ask of a port, whatever its protocol. */
export interface RequestLimits {
  /** Of a message, in bytes. */
  readonly bodyBytes: number;
  /** Slowest that a body may arrive. */
  readonly bodyBytesPerSecond: number;
  /** Of all headers together, uncompressed. */
  readonly headerBytes: number;
  readonly headerFields: number;
  /** Of path and query. */
  readonly urlBytes: number;
  readonly queryParameters: number;
  /** Of JSON, and of names in a query parameter. */
  readonly depth: number;
}

/** The limits where the configuration says nothing. */
export const defaultRequestLimits: RequestLimits = {
  bodyBytes: 2 * 1024 * 1024,
  // Below what the slowest mobile networks carry.
  bodyBytesPerSecond: 1000,
  // A bearer token, an internal token, tracing and forwarding headers fit twice.
  headerBytes: 16_384,
  // Each costs memory beyond its bytes; browsers send about twenty.
  headerFields: 128,
  urlBytes: 8192,
  queryParameters: 100,
  depth: 100,
};

/** Reads the limits; problems stay in the source. */
export function requestLimits(source: ConfigSource): RequestLimits {
  const usual = defaultRequestLimits;
  const values = source.read({
    BODY_LIMIT_BYTES: integer(1024, 64 * 1024 * 1024, { fallback: usual.bodyBytes }),
    BODY_LEAST_BYTES_PER_SECOND: integer(1, 1_000_000, { fallback: usual.bodyBytesPerSecond }),
    HEADER_LIMIT_BYTES: integer(4096, 262_144, { fallback: usual.headerBytes }),
    HEADER_LIMIT_FIELDS: integer(32, 1000, { fallback: usual.headerFields }),
    URL_LIMIT_BYTES: integer(256, 65_536, { fallback: usual.urlBytes }),
    QUERY_LIMIT_PARAMETERS: integer(1, 10_000, { fallback: usual.queryParameters }),
    JSON_LIMIT_DEPTH: integer(8, 1000, { fallback: usual.depth }),
  });
  return {
    bodyBytes: values.BODY_LIMIT_BYTES,
    bodyBytesPerSecond: values.BODY_LEAST_BYTES_PER_SECOND,
    headerBytes: values.HEADER_LIMIT_BYTES,
    headerFields: values.HEADER_LIMIT_FIELDS,
    urlBytes: values.URL_LIMIT_BYTES,
    queryParameters: values.QUERY_LIMIT_PARAMETERS,
    depth: values.JSON_LIMIT_DEPTH,
  };
}

/** URL_TOO_LONG or HEADERS_TOO_LARGE when a request exceeds a limit before its body. */
export function excessOf(
  { url = "", rawHeaders }: Pick<Request, "url" | "rawHeaders">,
  { urlBytes, headerBytes, headerFields }: RequestLimits,
): ConnectError | undefined {
  if (url.length > urlBytes) return errors.urlTooLong({ limit: urlBytes });
  let fields = 0;
  let bytes = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    // Method, path, scheme and authority of HTTP/2 are no headers.
    if (name.startsWith(":")) continue;
    fields += 1;
    // As on the wire of HTTP/1.1: a colon, a space and the line's end.
    bytes += name.length + (rawHeaders[at + 1]?.length ?? 0) + 4;
  }
  if (fields > headerFields) return errors.headersTooLarge({ limit: headerFields, unit: "fields" });
  if (bytes > headerBytes) return errors.headersTooLarge({ limit: headerBytes, unit: "bytes" });
  return undefined;
}
