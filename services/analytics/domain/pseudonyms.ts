import { createHmac, hkdfSync } from "node:crypto";
import { LRUCache } from "lru-cache";

/** Stands in for accounts. */
export interface Pseudonyms {
  /** The same for the same account of a tenant; of no use to link it with any in another one. */
  of(tenant: string, account: string): string;
}

const keyBytes = 32;
const pseudonymBytes = 16;
const mostKept = 1_000;

/**
 * Pseudonyms under a secret of 32 bytes: HMAC-SHA-256 of the account's id,
 * truncated to 128 bits (RFC 2104, section 5), in base64url, under a key of the
 * tenant that HKDF-SHA-256 (RFC 5869) derives from the secret.
 */
export function createPseudonyms(secret: Uint8Array): Pseudonyms {
  const keys = new LRUCache<string, Uint8Array>({ max: mostKept });
  const keyOf = (tenant: string) => {
    const kept = keys.get(tenant);
    if (kept) return kept;
    const info = `analytics: pseudonyms of ${tenant}`;
    const key = new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(), info, keyBytes));
    keys.set(tenant, key);
    return key;
  };
  return {
    of(tenant, account) {
      if (account === "") return "";
      const digest = createHmac("sha256", keyOf(tenant)).update(account).digest();
      return digest.subarray(0, pseudonymBytes).toString("base64url");
    },
  };
}

/** Whether a text has the form of a pseudonym. */
export function isPseudonym(text: string): boolean {
  return /^[A-Za-z0-9_-]{22}$/.test(text);
}
