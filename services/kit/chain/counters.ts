import { Code, ConnectError } from "@connectrpc/connect";
import type { Limits } from "../stores/limits/port.js";
import { quotaExhausted, rateLimited } from "../stores/limits/refusal.js";
import type { Quota } from "./quota.js";
import { rateHeaders, retryAfter, type Standing, withHeaders } from "./rate-headers.js";

const minuteMs = 60_000;
/** Until a limiter that is away may be back, in milliseconds. */
const awayMs = 1_000;

/** Codes of calls that ended before any work was done. */
const idle: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.PermissionDenied,
  Code.ResourceExhausted,
  Code.Unavailable,
  Code.Unauthenticated,
  Code.Unimplemented,
]);

/** How many calls a minute are allowed, all of them at once too. */
export interface Burst {
  readonly name: string;
  readonly limit: number;
}

/** What a call holds of a quota until it ends. */
export interface Reservation {
  readonly standing: Standing;
  /** Gives the units back unless work was done; the counter as it is then. */
  settle(error?: unknown): Standing;
}

/** Counts one call of `who`. Throws RATE_LIMITED, or DEPENDENCY_UNAVAILABLE when nothing can be counted. */
export async function takeFromBurst(limits: Limits, { name, limit }: Burst, who: string): Promise<Standing> {
  const request = { key: `${name} ${who}`, limit, windowMs: minuteMs };
  const decision = await orRetry(limits.take(request));
  const { allowed, remaining, resetMs, retryAfterMs } = decision;
  const standing = { name, limit, windowMs: minuteMs, remaining, resetMs, cost: 1 };
  if (allowed) return standing;
  const headers = [...rateHeaders([standing], true), ...retryAfter(retryAfterMs)];
  throw withHeaders(rateLimited(request, decision), headers);
}

/** Reserves `cost` units for one call of `who`, behind what it `passed`. Throws QUOTA_EXHAUSTED or DEPENDENCY_UNAVAILABLE. */
export async function reserveFromQuota(
  limits: Limits,
  { name, units, windowMs }: Quota,
  { who, cost, passed }: { who: string; cost: number; passed: Standing },
): Promise<Reservation> {
  const request = { key: `${name} ${who}`, limit: units, windowMs, amount: cost };
  const decision = await orRetry(limits.reserve(request));
  const { allowed, remaining, resetMs, reservation } = decision;
  const standing = { name, limit: units, windowMs, remaining, resetMs, cost };
  if (!allowed) {
    const headers = [...rateHeaders([passed, standing], true), ...retryAfter(resetMs)];
    throw withHeaders(quotaExhausted(request, decision), headers);
  }
  return {
    standing,
    settle(error) {
      const used = error instanceof ConnectError && idle.has(error.code) ? 0 : cost;
      // Unsettled it stays taken until the window ends, and the call is answered already.
      limits.settle({ key: request.key, reservation, used }).catch(() => undefined);
      return { ...standing, remaining: remaining + cost - used };
    },
  };
}

async function orRetry<T>(counted: Promise<T>): Promise<T> {
  try {
    return await counted;
  } catch (error) {
    throw withHeaders(error, retryAfter(awayMs));
  }
}
