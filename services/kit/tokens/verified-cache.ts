import { LRUCache } from "lru-cache";
import { type Answer, withAnswer } from "../answer.js";
import type { Clock } from "../clock.js";
import { errors } from "../errors.js";

/** What a token proves, and until when, in milliseconds of the epoch. */
export interface Verified<T extends object> {
  readonly result: T;
  readonly expiresAt: number;
}

const maximumEntries = 10_000;

/** How many of a token's last characters find it: 256 bits of its signature. */
const keyLength = 43;

interface Remembered<V> {
  readonly token: string;
  readonly verified: V;
}

/** How tokens are verified. */
export interface VerifyOptions<V> {
  /** Verifies a token that is not remembered. */
  readonly verify: (token: string) => Promise<V>;
  /** Looks at a good token at each of its uses: throws, or rejects, when it is good no more. */
  readonly admit?: (verified: V) => Promise<void> | undefined;
  readonly clock: Clock;
}

/** Verifies tokens of which it remembers what they proved. */
export interface RememberedTokens<R> {
  /** What a token proves. */
  verify(token: string): Promise<R>;
  /** The same of a token that is remembered, at once unless its use has to wait; undefined for any other. */
  recall(token: string): Answer<R> | undefined;
}

/**
 * Remembers what tokens proved until they expire. Failures are not remembered.
 * Throws or rejects with TOKEN_EXPIRED at and after the token's expiry,
 * remembered or not.
 *
 * It keeps the tokens themselves. A digest would keep them out of memory, but
 * costs more than all the rest, and the same memory holds them anyway: in the
 * headers of calls in progress, and for the exchange at the next hop. A token is
 * found by the end of its signature, as hashing a kilobyte of it takes long, and
 * compared as a whole. Only tokens whose signature was good are kept, so nobody
 * fills it with others, and who knows the end of one knows the token.
 */
export function rememberVerified<V extends Verified<object>>({
  verify,
  admit = () => undefined,
  clock,
}: VerifyOptions<V>): RememberedTokens<V["result"]> {
  const cache = new LRUCache<string, Remembered<V>>({ max: maximumEntries });
  const prove = async (token: string): Promise<V["result"]> => {
    const verified = await verify(token);
    if (clock.now() >= verified.expiresAt) throw errors.tokenExpired();
    cache.set(token.slice(-keyLength), { token, verified });
    await admit(verified);
    return verified.result;
  };
  const recall = (token: string): Answer<V["result"]> | undefined => {
    const known = cache.get(token.slice(-keyLength));
    if (known?.token !== token) return undefined;
    const { verified } = known;
    if (clock.now() >= verified.expiresAt) {
      cache.delete(token.slice(-keyLength));
      throw errors.tokenExpired();
    }
    return withAnswer(admit(verified), () => verified.result);
  };
  return { recall, verify: async (token) => recall(token) ?? prove(token) };
}
