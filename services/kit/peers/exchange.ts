import { LRUCache } from "lru-cache";
import type { ExchangeTokenResponse } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { Clock } from "../clock.js";
import { type Caller, callOf } from "../context.js";

const remembered = 10_000;
const expiryMarginMs = 10_000;

/** Asks auth for a token that `audience` accepts. */
export type ExchangeCall = (
  request: { readonly subjectToken: string; readonly audience: string },
  caller: Caller,
) => Promise<Pick<ExchangeTokenResponse, "token" | "expiresIn">>;

/** A token for another workload in the caller's name; undefined for a caller without a credential. */
export type TokenExchange = (caller: Caller, audience: string) => Promise<string | undefined>;

interface Exchanged {
  readonly token: Promise<string>;
  staleAt: number;
}

/** Exchanges credentials once for each audience, and again 10 s before the exchanged token expires. */
export function createTokenExchange(exchange: ExchangeCall, clock: Clock): TokenExchange {
  const cache = new LRUCache<string, Exchanged>({ max: remembered });
  return async (caller, audience) => {
    const { credential } = callOf(caller);
    if (credential === undefined) return undefined;
    const key = `${audience} ${credential}`;
    const known = cache.get(key);
    if (known && clock.now() < known.staleAt) return known.token;
    const reply = exchange({ subjectToken: credential, audience }, caller);
    const fresh: Exchanged = { token: reply.then(({ token }) => token), staleAt: Number.POSITIVE_INFINITY };
    cache.set(key, fresh);
    try {
      const { expiresIn } = await reply;
      fresh.staleAt = clock.now() + expiresIn * 1000 - expiryMarginMs;
    } catch (error) {
      cache.delete(key);
      throw error;
    }
    return fresh.token;
  };
}
