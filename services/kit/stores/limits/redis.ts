import { errors } from "../../errors.js";
import { newId } from "../../ids.js";
import { pingRedis, type RedisClient } from "../redis.js";
import type { Limits, RateDecision, RateRequest } from "./port.js";
import { limitScripts } from "./redis-scripts.js";

const dependency = "The rate limiter";

/** Limits in Redis, shared by replicas, each decision one script. Amounts are whole numbers. */
export function redisLimits({ client }: { readonly client: RedisClient }) {
  const scripts = limitScripts(client);
  return {
    async take(request) {
      const reply = await guarded(scripts.limitsTake(rateKey(request), ...rateArguments(request)));
      return rateDecision(reply, 0);
    },
    async takeBoth([one, other]) {
      const keys = [rateKey(one), rateKey(other)];
      const given = [...rateArguments(one), ...rateArguments(other)];
      const reply = await guarded(scripts.limitsTakeBoth(...keys, ...given));
      return [rateDecision(reply, 0), rateDecision(reply, 1)];
    },
    async reserve({ key, limit, windowMs, amount }) {
      const id = newId();
      const reply = await guarded(scripts.limitsReserve(quotaKey(key), limit, windowMs, amount, id));
      const [allowed, remaining = 0, resetMs = 0] = reply;
      return { allowed: allowed === 1, remaining, resetMs, reservation: allowed === 1 ? id : "" };
    },
    async settle({ key, reservation, used }) {
      await guarded(scripts.limitsSettle(quotaKey(key), reservation, used));
    },
    async usedOf({ key, windowMs }) {
      const [used = 0, resetMs = 0] = await guarded(scripts.limitsUsed(quotaKey(key), windowMs));
      return { used, resetMs };
    },
    async enter({ key, limit, ttlMs }) {
      const id = newId();
      const [allowed, taken = 0] = await guarded(scripts.limitsEnter(placesKey(key), limit, ttlMs, id));
      return { allowed: allowed === 1, taken, place: allowed === 1 ? id : "" };
    },
    async keep({ key, place, ttlMs }) {
      await guarded(scripts.limitsKeep(placesKey(key), ttlMs, place));
    },
    async leave({ key, place }) {
      await guarded(scripts.limitsLeave(placesKey(key), place));
    },
    async placesTaken(key) {
      const [taken = 0] = await guarded(scripts.limitsTaken(placesKey(key)));
      return taken;
    },
    ping: () => pingRedis(client, dependency),
    close: async () => client.disconnect(),
  } satisfies Limits;
}

function rateArguments({ limit, windowMs, cost = 1 }: RateRequest): number[] {
  return [limit, windowMs, cost];
}

/** The decision on the rate at `index`, four numbers for each. */
function rateDecision(reply: readonly number[], index: number): RateDecision {
  const [allowed, remaining = 0, resetMs = 0, retryAfterMs = 0] = reply.slice(4 * index);
  return { allowed: allowed === 1, remaining, resetMs, retryAfterMs };
}

const rateKey = ({ key }: RateRequest) => `rate:${key}`;
const quotaKey = (key: string) => `quota:${key}`;
const placesKey = (key: string) => `places:${key}`;

async function guarded(reply: Promise<number[]>): Promise<number[]> {
  try {
    return await reply;
  } catch (error) {
    throw errors.dependencyUnavailable({ dependency }, error);
  }
}
