import { LRUCache } from "lru-cache";
import type { Clock } from "../../clock.js";
import { newId } from "../../ids.js";
import type { Limits } from "./port.js";
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

  return {
    async take(request) {
      const { state, decision } = takeFromRate(rates.get(request.key), request, clock.now());
      rates.set(request.key, state);
      return decision;
    },
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
    ping: async () => undefined,
    async close() {
      rates.clear();
      quotas.clear();
    },
  };
}
