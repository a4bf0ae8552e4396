import type { Transform } from "node:stream";
import { promisify } from "node:util";
import {
  type BrotliOptions,
  brotliCompress,
  constants,
  createBrotliCompress,
  createGzip,
  gzip,
  type ZlibOptions,
} from "node:zlib";
import type { Coding } from "./accept-encoding.js";

const gzipWhole = promisify(gzip);
const brotliWhole = promisify(brotliCompress);

// Where more effort no longer pays for answers made anew each time.
const brotliQuality = 4;

// A stream lives long, and its messages are small: 32 KiB of memory instead of 256.
const streamedGzip: ZlibOptions = { level: 5, windowBits: 12, memLevel: 5 };
const streamedBrotli: BrotliOptions = {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 2,
    [constants.BROTLI_PARAM_LGWIN]: 14,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
  },
};

/** Streams that may be compressed at once, as each holds memory; further ones leave as they are. */
export const mostCoders = 512;

const compressed = new WeakMap<Uint8Array, Map<Coding, Promise<Uint8Array>>>();

/** Compresses a whole answer; the same bytes given again, as documents are, once. */
export function compressWhole(coding: Coding, body: Uint8Array): Promise<Uint8Array> {
  const known = compressed.get(body) ?? new Map<Coding, Promise<Uint8Array>>();
  compressed.set(body, known);
  const result = known.get(coding) ?? compress(coding, body);
  known.set(coding, result);
  return result;
}

function compress(coding: Coding, body: Uint8Array): Promise<Uint8Array> {
  if (coding === "gzip") return gzipWhole(body);
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
  return brotliWhole(body, {
    params: { [BROTLI_PARAM_QUALITY]: brotliQuality, [BROTLI_PARAM_SIZE_HINT]: body.byteLength },
  });
}

/** Compresses an answer piece by piece: what was written leaves with `flush`. */
export interface StreamCoder {
  readonly stream: Transform;
  flush(): void;
}

/** Begins to compress a stream. */
export function compressStream(coding: Coding): StreamCoder {
  if (coding === "gzip") {
    const stream = createGzip(streamedGzip);
    return { stream, flush: () => stream.flush(constants.Z_SYNC_FLUSH) };
  }
  const stream = createBrotliCompress(streamedBrotli);
  return { stream, flush: () => stream.flush(constants.BROTLI_OPERATION_FLUSH) };
}

const compressible =
  /^(?:text\/[a-z0-9.+-]+|application\/(?:json|[a-z0-9.-]+\+json|x-ndjson|proto|javascript|xml|[a-z0-9.-]+\+xml)|image\/svg\+xml)$/;

/** Whether content of a type becomes smaller: text and protobuf do, pictures and archives are compressed already. */
export function isCompressible(contentType: unknown): boolean {
  const [type = ""] = String(contentType ?? "")
    .toLowerCase()
    .split(";");
  // Connect's streams compress their messages themselves.
  return compressible.test(type.trim()) && !type.startsWith("application/connect+");
}
