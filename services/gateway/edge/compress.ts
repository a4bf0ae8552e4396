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
import type { Response } from "../../kit/serve/listen.js";
import type { Coding } from "./accept-encoding.js";
import { remembered } from "./remembered.js";

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

/** Compresses an answer piece by piece: what is written leaves at once. */
export interface StreamCoder {
  /** False when the client reads too slowly: the response's `drain` says when to go on. */
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: string | Uint8Array): void;
}

/** Where compressed pieces go. */
export interface Outlet {
  write(chunk: Uint8Array): boolean;
  end(): void;
}

/** The coders of a port. */
export interface Coders {
  /** Begins to compress a stream; undefined when as many as may are being compressed. */
  start(coding: Coding, response: Response, outlet: Outlet): StreamCoder | undefined;
}

/** Streams that may be compressed at once, as each holds memory; further ones leave as they are. */
const mostCoders = 512;

/** Coders that end with their response. */
export function createCoders(most = mostCoders): Coders {
  let open = 0;
  return {
    start(coding, response, outlet) {
      if (open >= most) return undefined;
      open += 1;
      const { stream, flush } = openCoder(coding);
      stream.on("data", (chunk: Uint8Array) => {
        if (!outlet.write(chunk)) stream.pause();
      });
      stream.on("drain", () => response.emit("drain"));
      stream.on("end", () => outlet.end());
      const resume = () => void stream.resume();
      response.on("drain", resume).once("close", () => {
        open -= 1;
        response.off("drain", resume);
        stream.destroy();
      });
      return {
        write(chunk) {
          const more = stream.write(chunk);
          flush();
          return more;
        },
        end: (chunk) => void (chunk === undefined ? stream.end() : stream.end(chunk)),
      };
    },
  };
}

function openCoder(coding: Coding): { readonly stream: Transform; flush(): void } {
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
  return becomesSmaller(String(contentType ?? ""));
}

const becomesSmaller = remembered((contentType) => {
  const [type = ""] = contentType.toLowerCase().split(";");
  // Connect's streams compress their messages themselves.
  return compressible.test(type.trim()) && !type.startsWith("application/connect+");
});
