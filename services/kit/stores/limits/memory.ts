import { LRUCache } from "lru-cache";
import type { Clock } from "../../clock.js";
import { memoryPlaces } from "./memory-places.js";
import type { Limits, RateDecision, RateRequest } from "./port.js";
import { type RateState, takeFromRate } from "./rate.js";

interface Quota {
  readonly endsAt: number;
  used: number;
  readonly reserved: Map<string, number>;
}

type Outcome = ReturnType<typeof takeFromRate>;

export interface MemoryLimitsOptions {
  readonly clock: Clock;
  /** Keys that are remembered; of more, those not asked for the longest begin anew. */
  readonly mostKeys?: number;
}

/** Limits inside this process, for itself alone. */
export function memoryLimits({ clock, mostKeys = 100_000 }: MemoryLimitsOptions): Limits {
  const rates = new LRUCache<string, RateState>({ max: mostKeys });
  const quotas = new LRUCache<string, Quota>({ max: mostKeys });
  let reservations = 0;

  const quotaOf = (key: string, windowMs: number, now: number): Quota => {
    const known = quotas.get(key);
    if (known && now < known.endsAt) return known;
    const quota = { endsAt: (Math.floor(now / windowMs) + 1) * windowMs, used: 0, reserved: new Map() };
    quotas.set(key, quota);
    return quota;
  };

  const commit = ({ key, cost }: RateRequest, before: RateState | undefined, { state }: Outcome) => {
    if (cost === 0) return;
    if (before) before.theoreticalArrival = state.theoreticalArrival;
    else rates.set(key, state);
  };
  const takeOne = (request: RateRequest): RateDecision => {
    const state = rates.get(request.key);
    const outcome = takeFromRate(state, request, clock.now());
    if (outcome.decision.allowed) commit(request, state, outcome);
    return outcome.decision;
  };
  const takeTwo = (one: RateRequest, other: RateRequest): [RateDecision, RateDecision] => {
    const now = clock.now();
    const mine = rates.get(one.key);
    const theirs = rates.get(other.key);
    const first = takeFromRate(mine, one, now);
    const second = takeFromRate(theirs, other, now);
    if (first.decision.allowed && second.decision.allowed) {
      commit(one, mine, first);
      commit(other, theirs, second);
      return [first.decision, second.decision];
    }
    const untaken = (request: RateRequest, state: RateState | undefined, { decision }: Outcome) =>
      decision.allowed ? takeFromRate(state, { ...request, cost: 0 }, now).decision : decision;
    return [untaken(one, mine, first), untaken(other, theirs, second)];
  };

  return {
    take: takeOne,
    takeBoth: ([one, other]) => takeTwo(one, other),
    reserve({ key, limit, windowMs, amount }) {
      const now = clock.now();
      const quota = quotaOf(key, windowMs, now);
      const allowed = quota.used + amount <= limit;
      const reservation = allowed ? String(++reservations) : "";
      if (allowed) {
        quota.used += amount;
        quota.reserved.set(reservation, amount);
      }
      return {
        allowed,
        remaining: Math.max(0, limit - quota.used),
        resetMs: quota.endsAt - now,
        reservation,
      };
    },
    // A window that has ended has another quota, which knows nothing of the reservation, or none that is asked.
    settle({ key, reservation, used }) {
      const quota = quotas.get(key);
      const amount = quota?.reserved.get(reservation);
      if (!quota || amount === undefined) return;
      quota.used += used - amount;
      quota.reserved.delete(reservation);
    },
    usedOf({ key, windowMs }) {
      const now = clock.now();
      const quota = quotas.get(key);
      if (quota && now < quota.endsAt) return { used: quota.used, resetMs: quota.endsAt - now };
      return { used: 0, resetMs: windowMs - (now % windowMs) };
    },
    ...memoryPlaces(clock),
    ping: async () => undefined,
    async close() {
      rates.clear();
      quotas.clear();
    },
  };
}
