import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { errors } from "../../kit/errors.js";
import type { RestRequest } from "./exchange.js";

const inflate = promisify(gunzip);

/** Whether a body comes compressed by gzip. Refuses every other coding with MEDIA_TYPE_UNSUPPORTED. */
export function isGzip({ headers }: RestRequest): boolean {
  const coding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (coding === "gzip" || coding === "x-gzip") return true;
  if (coding !== "identity") throw unsupported(coding, "it by gzip or uncompressed", "gzip");
  return false;
}

/** Refuses a body that comes compressed with MEDIA_TYPE_UNSUPPORTED. */
export function requireUncompressed({ headers }: RestRequest): void {
  const coding = headers["content-encoding"] ?? "identity";
  if (coding !== "identity") throw unsupported(coding, "it uncompressed", "identity");
}

/**
 * What a gzipped body holds. Rejects with BODY_TOO_LARGE as soon as it is more
 * than `maxBytes`, however small it came, and with BODY_MALFORMED.
 */
export async function decompress(bytes: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await inflate(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    const tooLarge = error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    if (tooLarge) throw errors.bodyTooLarge({ limit_bytes: maxBytes }, error);
    throw errors.bodyMalformed({ problem: "it is not complete gzip" }, error);
  }
}

function unsupported(coding: string, expected: string, accepted: string) {
  const error = errors.mediaTypeUnsupported({ media_type: `with the coding ${coding}`, expected });
  // Says what would be read (RFC 9110, section 12.5.3).
  error.metadata.set("accept-encoding", accepted);
  return error;
}
