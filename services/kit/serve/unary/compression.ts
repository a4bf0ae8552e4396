import { promisify } from "node:util";
import { brotliCompress, brotliDecompress, gunzip, gzip } from "node:zlib";
import { bodyMalformed, messageTooLarge } from "./refusals.js";

/** A way to make messages smaller. */
export interface Compression {
  readonly name: string;
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  /** Rejects with BODY_MALFORMED, or with BODY_TOO_LARGE beyond `limit` bytes. */
  decompress(bytes: Uint8Array, limit: number): Promise<Uint8Array>;
}

/** Smaller messages gain less on the wire than compressing them costs. */
export const compressFromBytes = 1024;

type Unpack = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

function compression(
  name: string,
  compress: (bytes: Uint8Array) => Promise<Buffer>,
  unpack: Unpack,
): Compression {
  return {
    name,
    compress,
    async decompress(bytes, limit) {
      if (bytes.length === 0) return bytes;
      try {
        return await unpack(bytes, { maxOutputLength: limit });
      } catch (cause) {
        throw (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE"
          ? messageTooLarge(limit, cause)
          : bodyMalformed(`it is no ${name}`, cause);
      }
    },
  };
}

const supported: ReadonlyMap<string, Compression> = new Map(
  [
    compression("gzip", promisify<Uint8Array, Buffer>(gzip), promisify(gunzip) as Unpack),
    compression("br", promisify<Uint8Array, Buffer>(brotliCompress), promisify(brotliDecompress) as Unpack),
  ].map((one) => [one.name, one]),
);

/** The names of what is supported, as headers list them. */
export const supportedCompressions = [...supported.keys()].join(",");

/** What a request is compressed with; undefined for nothing, "unknown" for what nobody here can read. */
export function requestCompression(name: string | undefined): Compression | undefined | "unknown" {
  if (name === undefined || name === "" || name === "identity") return undefined;
  return supported.get(name) ?? "unknown";
}

/**
 * What the answer is compressed with: the first that the client accepts, or
 * what it uses itself when it says nothing. Weights are not compared, but what
 * is weighted 0 is not taken (RFC 9110, section 12.5.3).
 */
export function responseCompression(
  accepted: string | undefined,
  request: Compression | undefined,
): Compression | undefined {
  if (accepted === undefined || accepted === "") return request;
  for (const part of accepted.split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    const found = supported.get(name.toLowerCase());
    if (found && !parameters.some((parameter) => /^q=0(\.0{0,3})?$/i.test(parameter))) return found;
  }
  return undefined;
}
