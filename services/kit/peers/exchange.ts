import { createContextValues } from "@connectrpc/connect";
import { LRUCache } from "lru-cache";
import type { ExchangeTokenResponse } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { Clock } from "../clock.js";
import { type Caller, callKey, callOf } from "../context.js";

const remembered = 10_000;
const expiryMarginMs = 10_000;
const exchangeTimeoutMs = 1000;

/** Asks auth for a token that `audience` accepts. */
export type ExchangeCall = (
  request: { readonly subjectToken: string; readonly audience: string; readonly tenant: string },
  caller: Caller,
) => Promise<Pick<ExchangeTokenResponse, "token" | "expiresIn">>;

/** A token for another workload in the caller's name; undefined for a caller without a credential. */
export type TokenExchange = (caller: Caller, audience: string) => Promise<string | undefined>;

interface Exchanged {
  readonly token: Promise<string>;
  staleAt: number;
}

/** Exchanges credentials once for each audience and tenant to act in, and again 10 s before the exchanged token expires. */
export function createTokenExchange(exchange: ExchangeCall, clock: Clock): TokenExchange {
  const cache = new LRUCache<string, Exchanged>({ max: remembered });
  return async (caller, audience) => {
    const { credential, principal } = callOf(caller);
    if (credential === undefined) return undefined;
    // Acting in another tenant is the call's; the credential is the same for both.
    const tenant = principal && principal.tenant !== principal.home ? principal.tenant : "";
    const key = `${audience} ${tenant} ${credential}`;
    const known = cache.get(key);
    if (known && clock.now() < known.staleAt) return known.token;
    const reply = exchange({ subjectToken: credential, audience, tenant }, detached(caller, clock));
    const fresh: Exchanged = {
      staleAt: Number.POSITIVE_INFINITY,
      token: reply.then(
        ({ token, expiresIn }) => {
          fresh.staleAt = clock.now() + expiresIn * 1000 - expiryMarginMs;
          return token;
        },
        (error) => {
          cache.delete(key);
          throw error;
        },
      ),
    };
    cache.set(key, fresh);
    return fresh.token;
  };
}

// Other calls wait for the same answer, so the first one's end must not cancel it.
function detached(caller: Caller, clock: Clock): Caller {
  const call = { ...callOf(caller), deadline: clock.now() + exchangeTimeoutMs };
  return {
    values: createContextValues().set(callKey, call),
    signal: AbortSignal.timeout(exchangeTimeoutMs),
  };
}
