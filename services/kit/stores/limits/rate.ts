import type { RateDecision, RateRequest } from "./port.js";

/** What a rate remembers: when, in milliseconds, all that was taken will have flowed off. */
export interface RateState {
  theoreticalArrival: number;
}

/**
 * The Generic Cell Rate Algorithm (ITU-T I.371, annex A, virtual scheduling), in
 * which the burst is the whole limit: what is taken flows off evenly, `limit` per
 * window, and fits when at most one window's worth has not. One number per key,
 * and no edge between windows at which twice the limit would pass.
 */
export function takeFromRate(
  state: RateState | undefined,
  { limit, windowMs, cost = 1 }: RateRequest,
  now: number,
): { readonly state: RateState; readonly decision: RateDecision } {
  const perUnit = windowMs / limit;
  const before = Math.max(state?.theoreticalArrival ?? now, now);
  const after = before + cost * perUnit;
  const wait = after - windowMs - now;
  const allowed = wait <= 0;
  const theoreticalArrival = allowed ? after : before;
  const backlog = theoreticalArrival - now;
  return {
    state: { theoreticalArrival },
    decision: {
      allowed,
      remaining: Math.max(0, Math.floor((windowMs - backlog) / perUnit + roundingUnits)),
      resetMs: Math.ceil(backlog),
      retryAfterMs: allowed ? 0 : Math.ceil(wait),
    },
  };
}

/** Units that rounding of binary fractions may take away. */
const roundingUnits = 1e-6;
