import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.js";
import { errors } from "../errors.js";

/** What a token proves, and until when, in milliseconds of the epoch. */
export interface Verified<T extends object> {
  readonly result: T;
  readonly expiresAt: number;
}

const maximumEntries = 10_000;

/**
 * Remembers what tokens proved until they expire, by their SHA-256: memory
 * holds no credential. Failures are not remembered. Throws TOKEN_EXPIRED at
 * and after the token's expiry, remembered or not.
 */
export function rememberVerified<T extends object>(
  verify: (token: string) => Promise<Verified<T>>,
  clock: Clock,
) {
  const cache = new LRUCache<string, Verified<T>>({ max: maximumEntries });
  return async (token: string): Promise<T> => {
    const digest = hash("sha256", token, "base64");
    const known = cache.get(digest);
    const verified = known ?? (await verify(token));
    if (clock.now() >= verified.expiresAt) {
      cache.delete(digest);
      throw errors.tokenExpired();
    }
    if (!known) cache.set(digest, verified);
    return verified.result;
  };
}
