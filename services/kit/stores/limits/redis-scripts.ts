import type { RedisClient } from "../redis.js";

// `takeFromRate` for each key, in microseconds of the server's clock, which is one for all replicas.
const takeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local rates, allowed = {}, true
for i, key in ipairs(KEYS) do
  local limit, window, cost = tonumber(ARGV[3 * i - 2]), ARGV[3 * i - 1] * 1000, tonumber(ARGV[3 * i])
  local per_unit = window / limit
  local before = math.max(tonumber(redis.call('GET', key) or now), now)
  local after = before + cost * per_unit
  rates[i] = { window = window, per_unit = per_unit, before = before, after = after, wait = after - window - now }
  if rates[i].wait > 0 then allowed = false end
end
local reply = {}
for i, rate in ipairs(rates) do
  local arrival = rate.before
  if allowed then arrival = rate.after end
  if arrival > rate.before then
    redis.call('SET', KEYS[i], string.format('%.3f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
  end
  local backlog = arrival - now
  reply[4 * i - 3] = rate.wait <= 0 and 1 or 0
  reply[4 * i - 2] = math.max(0, math.floor((rate.window - backlog) / rate.per_unit + 1e-6))
  reply[4 * i - 1] = math.ceil(backlog / 1000)
  reply[4 * i] = rate.wait <= 0 and 0 or math.ceil(rate.wait / 1000)
end
return reply`;

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
return {}`;

const usedScript = `
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local window = tonumber(ARGV[1])
local ends = tonumber(redis.call('HGET', KEYS[1], 'ends') or 0)
if now >= ends then return { 0, (math.floor(now / window) + 1) * window - now } end
return { tonumber(redis.call('HGET', KEYS[1], 'used')), ends - now }`;

// A sorted set per key: each place with the time until which it is held.
const enterScript = `
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local limit, ttl = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local taken = redis.call('ZCARD', KEYS[1])
if taken >= limit then return { 0, taken } end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ttl), ARGV[3])
redis.call('PEXPIRE', KEYS[1], ttl)
return { 1, taken + 1 }`;

const keepScript = `
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
local ttl = tonumber(ARGV[1])
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ttl), ARGV[2])
redis.call('PEXPIRE', KEYS[1], ttl)
return {}`;

const leaveScript = `
redis.call('ZREM', KEYS[1], ARGV[1])
return {}`;

const takenScript = `
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / 1000)
return { redis.call('ZCOUNT', KEYS[1], string.format('(%.0f', now), '+inf') }`;

type Script = (...args: (string | number)[]) => Promise<number[]>;

const scripts = {
  limitsTake: { keys: 1, lua: takeScript },
  limitsTakeBoth: { keys: 2, lua: takeScript },
  limitsReserve: { keys: 1, lua: reserveScript },
  limitsSettle: { keys: 1, lua: settleScript },
  limitsUsed: { keys: 1, lua: usedScript },
  limitsEnter: { keys: 1, lua: enterScript },
  limitsKeep: { keys: 1, lua: keepScript },
  limitsLeave: { keys: 1, lua: leaveScript },
  limitsTaken: { keys: 1, lua: takenScript },
};

/** The decisions of limits, each one script, so that it is made at once for all replicas. Keys stand first. */
export type LimitScripts = Readonly<Record<keyof typeof scripts, Script>>;

/** Makes the scripts commands of a connection. */
export function limitScripts(client: RedisClient): LimitScripts {
  for (const [name, { keys, lua }] of Object.entries(scripts)) {
    client.defineCommand(name, { numberOfKeys: keys, lua });
  }
  return client as unknown as LimitScripts;
}
