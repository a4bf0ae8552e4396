import { LRUCache } from "lru-cache";
import type { Clock } from "../../clock.js";
import { newId } from "../../ids.js";
import { memoryPlaces } from "./memory-places.js";
import type { Limits, RateDecision, RateRequest } from "./port.js";
import { type RateState, takeFromRate } from "./rate.js";

interface Quota {
  readonly endsAt: number;
  used: number;
  readonly reserved: Map<string, number>;
}

export interface MemoryLimitsOptions {
  readonly clock: Clock;
  /** Keys that are remembered; of more, those not asked for the longest begin anew. */
  readonly mostKeys?: number;
}

/** Limits inside this process, for itself alone. */
export function memoryLimits({ clock, mostKeys = 100_000 }: MemoryLimitsOptions): Limits {
  const rates = new LRUCache<string, RateState>({ max: mostKeys });
  const quotas = new LRUCache<string, Quota>({ max: mostKeys });

  const quotaOf = (key: string, windowMs: number, now: number): Quota => {
    const known = quotas.get(key);
    if (known && now < known.endsAt) return known;
    const quota = { endsAt: (Math.floor(now / windowMs) + 1) * windowMs, used: 0, reserved: new Map() };
    quotas.set(key, quota);
    return quota;
  };

  const decide = (request: RateRequest) => takeFromRate(rates.get(request.key), request, clock.now());
  const commit = ({ key, cost }: RateRequest, { state }: ReturnType<typeof decide>) => {
    if (cost !== 0) rates.set(key, state);
  };
  const takeOne = (request: RateRequest): RateDecision => {
    const outcome = decide(request);
    if (outcome.decision.allowed) commit(request, outcome);
    return outcome.decision;
  };
  const takeTwo = ([one, other]: readonly [RateRequest, RateRequest]): [RateDecision, RateDecision] => {
    const [first, second] = [decide(one), decide(other)];
    if (first.decision.allowed && second.decision.allowed) {
      commit(one, first);
      commit(other, second);
      return [first.decision, second.decision];
    }
    const untaken = (request: RateRequest, { decision }: typeof first) =>
      decision.allowed ? decide({ ...request, cost: 0 }).decision : decision;
    return [untaken(one, first), untaken(other, second)];
  };

  return {
    take: async (request) => takeOne(request),
    takeBoth: async (requests) => takeTwo(requests),
    async reserve({ key, limit, windowMs, amount }) {
      const now = clock.now();
      const quota = quotaOf(key, windowMs, now);
      const allowed = quota.used + amount <= limit;
      const reservation = allowed ? newId() : "";
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
    async settle({ key, reservation, used }) {
      const quota = quotas.get(key);
      const amount = quota?.reserved.get(reservation);
      if (!quota || amount === undefined || clock.now() >= quota.endsAt) return;
      quota.used += used - amount;
      quota.reserved.delete(reservation);
    },
    async usedOf({ key, windowMs }) {
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
