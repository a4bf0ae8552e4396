import { Code, ConnectError } from "@connectrpc/connect";
import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.js";
import { errors } from "../errors.js";
import type { Limits } from "../stores/limits/port.js";
import { rateLimited } from "../stores/limits/refusal.js";

const remembered = 10_000;
const expiryMarginMs = 10_000;
/** How long a refusal stands before auth is asked again, in milliseconds. */
const refusalMs = 10_000;
/** How many credentials that were never good before may be asked about at once. */
const strangersAtOnce = 32;
const minuteMs = 60_000;

/** An access token, and the seconds until it expires. */
export interface Redeemed {
  readonly token: string;
  readonly expiresIn: number;
}

/** A credential that is no token. */
export interface Redeemable {
  /** What it is remembered by: nothing that it could be made of. */
  readonly id: string;
  /** Asks auth for its token. Rejects with UNAUTHENTICATED or NOT_FOUND when it stands for nobody. */
  redeem(): Promise<Redeemed>;
}

/** Exchanges credentials for access tokens. */
export interface Redeemer {
  /**
   * The token of a credential that a client at `address` sent; undefined when
   * auth refused it. Rejects with RATE_LIMITED or SIGN_IN_BUSY for credentials
   * that were never good, and with auth's failures. Without an address nothing
   * is counted, as nobody can guess the credential.
   */
  tokenOf(credential: Redeemable, address: string | undefined): Promise<string | undefined>;
  /** Forgets the token of a credential, so that auth is asked again. */
  forget(id: string): void;
}

interface Kept {
  readonly token: Promise<string>;
  staleAt: number;
}

/**
 * Asks auth once for each credential, however many calls wait for it, and again
 * 10 s before the token expires. Refusals are remembered too, and counted by
 * address: one that has sent too many false credentials is refused without a
 * question until it is within its rate again.
 */
export function createRedeemer(options: {
  readonly limits: Limits;
  /** False credentials that an address may send in a minute. */
  readonly limit: number;
  readonly clock: Clock;
}): Redeemer {
  const { limits, limit, clock } = options;
  const tokens = new LRUCache<string, Kept>({ max: remembered });
  const refusals = new LRUCache<string, number>({ max: remembered });
  const blocked = new LRUCache<string, number>({ max: remembered });
  let strangers = 0;

  const requireWithin = (address: string): void => {
    const retryAfterMs = (blocked.get(address) ?? 0) - clock.monotonic();
    if (retryAfterMs > 0) throw refusalOf(retryAfterMs);
  };

  const refusalOf = (retryAfterMs: number) => {
    const request = { key: "", limit, windowMs: minuteMs };
    return rateLimited(request, { allowed: false, remaining: 0, resetMs: retryAfterMs, retryAfterMs });
  };

  const countFalse = async (address: string): Promise<void> => {
    const decision = await limits.take({ key: `false credential ${address}`, limit, windowMs: minuteMs });
    if (decision.allowed) return;
    blocked.set(address, clock.monotonic() + decision.retryAfterMs);
    throw refusalOf(decision.retryAfterMs);
  };

  const ask = (credential: Redeemable): Kept => {
    const kept: Kept = {
      staleAt: Number.POSITIVE_INFINITY,
      token: credential.redeem().then(({ token, expiresIn }) => {
        // A token that lives no longer than the margin is good for half of its time.
        const margin = Math.min(expiryMarginMs, expiresIn * 500);
        kept.staleAt = clock.monotonic() + expiresIn * 1000 - margin;
        return token;
      }),
    };
    tokens.set(credential.id, kept);
    return kept;
  };

  const settle = async (kept: Kept, id: string): Promise<string | undefined> => {
    try {
      return await kept.token;
    } catch (error) {
      if (tokens.peek(id) === kept) tokens.delete(id);
      if (!isRefusal(error)) throw error;
      refusals.set(id, clock.monotonic() + refusalMs);
      return undefined;
    }
  };

  const askForStranger = async (credential: Redeemable, address: string | undefined) => {
    if (address !== undefined) requireWithin(address);
    if (strangers >= strangersAtOnce) throw errors.signInBusy();
    strangers += 1;
    try {
      const token = await settle(ask(credential), credential.id);
      if (token === undefined && address !== undefined) await countFalse(address);
      return token;
    } finally {
      strangers -= 1;
    }
  };

  return {
    async tokenOf(credential, address) {
      const known = tokens.get(credential.id);
      if (known && clock.monotonic() < known.staleAt) return settle(known, credential.id);
      if ((refusals.get(credential.id) ?? 0) > clock.monotonic()) return undefined;
      return known ? settle(ask(credential), credential.id) : askForStranger(credential, address);
    },
    forget(id) {
      const known = tokens.get(id);
      // It was good before, so that asking again counts as no stranger's attempt.
      if (known) known.staleAt = Number.NEGATIVE_INFINITY;
    },
  };
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof ConnectError && (error.code === Code.Unauthenticated || error.code === Code.NotFound)
  );
}
