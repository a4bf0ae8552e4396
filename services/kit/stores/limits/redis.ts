import { errors } from "../../errors.js";
import { newId } from "../../ids.js";
import { pingRedis, type RedisClient } from "../redis.js";
import type { Limits } from "./port.js";

const dependency = "The rate limiter";

// `takeFromRate` in microseconds of the server's clock, which is one for all replicas.
const takeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window, cost = tonumber(ARGV[1]), ARGV[2] * 1000, tonumber(ARGV[3])
local per_unit = window / limit
local before = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = before + cost * per_unit
local wait = after - window - now
local arrival = before
if wait <= 0 then
  arrival = after
  redis.call('SET', KEYS[1], string.format('%.3f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
end
local backlog = arrival - now
return {
  wait <= 0 and 1 or 0,
  math.max(0, math.floor((window - backlog) / per_unit + 1e-6)),
  math.ceil(backlog / 1000),
  wait <= 0 and 0 or math.ceil(wait / 1000)
}`;

// A hash per key: the window's end, what is used, and what each reservation holds.
const reserveScript = `
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local limit, window, amount = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local ends = tonumber(redis.call('HGET', KEYS[1], 'ends') or 0)
if now >= ends then
  redis.call('DEL', KEYS[1])
  ends = (math.floor(now / window) + 1) * window
  redis.call('HSET', KEYS[1], 'ends', string.format('%.0f', ends), 'used', 0)
  redis.call('PEXPIRE', KEYS[1], ends - now)
end
local used = tonumber(redis.call('HGET', KEYS[1], 'used'))
local allowed = used + amount <= limit
if allowed then
  used = redis.call('HINCRBY', KEYS[1], 'used', amount)
  redis.call('HSET', KEYS[1], ARGV[4], amount)
end
return { allowed and 1 or 0, math.max(0, limit - used), ends - now }`;

const settleScript = `
local amount = redis.call('HGET', KEYS[1], ARGV[1])
if amount then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'used', ARGV[2] - amount)
end
return 0`;

type Script = (...args: (string | number)[]) => Promise<number[]>;

interface Scripts {
  readonly limitsTake: Script;
  readonly limitsReserve: Script;
  readonly limitsSettle: Script;
}

/** Limits in Redis, shared by replicas, each decision one script. Amounts are whole numbers. */
export function redisLimits({ client }: { readonly client: RedisClient }): Limits {
  client.defineCommand("limitsTake", { numberOfKeys: 1, lua: takeScript });
  client.defineCommand("limitsReserve", { numberOfKeys: 1, lua: reserveScript });
  client.defineCommand("limitsSettle", { numberOfKeys: 1, lua: settleScript });
  const scripts = client as unknown as Scripts;
  return {
    async take({ key, limit, windowMs, cost = 1 }) {
      const reply = await guarded(scripts.limitsTake(`rate:${key}`, limit, windowMs, cost));
      const [allowed, remaining = 0, resetMs = 0, retryAfterMs = 0] = reply;
      return { allowed: allowed === 1, remaining, resetMs, retryAfterMs };
    },
    async reserve({ key, limit, windowMs, amount }) {
      const id = newId();
      const reply = await guarded(scripts.limitsReserve(`quota:${key}`, limit, windowMs, amount, id));
      const [allowed, remaining = 0, resetMs = 0] = reply;
      return { allowed: allowed === 1, remaining, resetMs, reservation: allowed === 1 ? id : "" };
    },
    async settle({ key, reservation, used }) {
      await guarded(scripts.limitsSettle(`quota:${key}`, reservation, used));
    },
    ping: () => pingRedis(client, dependency),
    close: async () => client.disconnect(),
  };
}

async function guarded(reply: Promise<number[]>): Promise<number[]> {
  try {
    return await reply;
  } catch (error) {
    throw errors.dependencyUnavailable({ dependency }, error);
  }
}
