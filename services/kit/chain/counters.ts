import { Code, ConnectError } from "@connectrpc/connect";
import type { Limits, RateDecision, RateRequest } from "../stores/limits/port.js";
import { quotaExhausted, rateLimited } from "../stores/limits/refusal.js";
import { counterKey, type Quota, type Rate } from "./bounds.js";
import { rateHeaders, retryAfter, type Standing, withHeaders } from "./rate-headers.js";

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

/** What a call holds of a counter until it ends. */
export interface Held {
  readonly standing: Standing;
  /** Gives back what the call, which ended so, did not use; the counter as it is then. */
  settle(error?: unknown): Standing;
}

/** Counts one call of `who`. Throws RATE_LIMITED, or DEPENDENCY_UNAVAILABLE when nothing can be counted. */
export async function takeFromRates(
  limits: Limits,
  rates: readonly [Rate, Rate?],
  who: string,
): Promise<Standing[]> {
  const [first, second] = rates;
  const one = requestOf(first, who);
  if (!second) return [passed(first, one, await orRetry(limits.take(one)), [])];
  const other = requestOf(second, who);
  const [here, there] = await orRetry(limits.takeBoth([one, other]));
  // The one that refused is the last that is stated.
  if (!here.allowed) return [passed(first, one, here, [standingOf(second, there)])];
  const before = [standingOf(first, here)];
  return [...before, passed(second, other, there, before)];
}

/** Reserves `cost` units for one call of `who`, behind what it `passed`. Throws QUOTA_EXHAUSTED or DEPENDENCY_UNAVAILABLE. */
export async function reserveFromQuota(
  limits: Limits,
  quota: Quota,
  { who, cost, passed }: { who: string; cost: number; passed: readonly Standing[] },
): Promise<Held> {
  const { name, units, windowMs } = quota;
  const request = { key: counterKey(quota, who), limit: units, windowMs, amount: cost };
  const decision = await orRetry(limits.reserve(request));
  const { allowed, remaining, resetMs, reservation } = decision;
  const standing = { name, limit: units, windowMs, remaining, resetMs, cost };
  if (!allowed) {
    const headers = [...rateHeaders([...passed, standing], true), ...retryAfter(resetMs)];
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

/** What was counted, or the reason why not, with when to try again. */
export async function orRetry<T>(counted: Promise<T>): Promise<T> {
  try {
    return await counted;
  } catch (error) {
    throw withHeaders(error, retryAfter(awayMs));
  }
}

function requestOf(rate: Rate, who: string): RateRequest {
  return { key: counterKey(rate, who), limit: rate.limit, windowMs: rate.windowMs };
}

function standingOf({ name, limit, windowMs }: Rate, { remaining, resetMs }: RateDecision): Standing {
  return { name, limit, windowMs, remaining, resetMs, cost: 1 };
}

function passed(
  rate: Rate,
  request: RateRequest,
  decision: RateDecision,
  others: readonly Standing[],
): Standing {
  const standing = standingOf(rate, decision);
  if (decision.allowed) return standing;
  const headers = [...rateHeaders([...others, standing], true), ...retryAfter(decision.retryAfterMs)];
  throw withHeaders(rateLimited(request, decision), headers);
}
