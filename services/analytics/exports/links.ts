import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** What makes a link good for one file until one moment. */
export interface LinkProof {
  /** Seconds of the epoch. */
  readonly expires: bigint;
  readonly signature: string;
}

/** Makes links under which files are sent to whoever holds them, and knows its own again. */
export interface DownloadLinks {
  /** Path and query of the file of a job, good until `expires`, in milliseconds of the epoch. */
  make(id: string, expires: number): string;
  /** Whether it made the link, and it has not ended by `now`, in milliseconds of the epoch. */
  isGood(id: string, proof: LinkProof, now: number): boolean;
}

const keyBytes = 32;

/**
 * Links signed by HMAC-SHA-256 (RFC 2104) over the job's id and the end, under a
 * key that HKDF-SHA-256 (RFC 5869) derives from the service's secret of 32
 * bytes. Signatures are compared as texts of one form and in constant time.
 */
export function createDownloadLinks(secret: Uint8Array): DownloadLinks {
  const key = Buffer.from(
    hkdfSync("sha256", secret, new Uint8Array(), "analytics: links of exports", keyBytes),
  );
  const sign = (id: string, expires: bigint) =>
    createHmac("sha256", key)
      .update(JSON.stringify([id, String(expires)]))
      .digest("base64url");
  return {
    make(id, expires) {
      const seconds = BigInt(Math.floor(expires / 1000));
      const query = new URLSearchParams({ expires: String(seconds), signature: sign(id, seconds) });
      return `/api/v1/analytics/exports/${id}/content?${query}`;
    },
    isGood(id, { expires, signature }, now) {
      const expected = Buffer.from(sign(id, expires));
      const given = Buffer.from(signature);
      const isSigned = given.length === expected.length && timingSafeEqual(given, expected);
      return isSigned && Number(expires) * 1000 > now;
    },
  };
}
