import type { Clock } from "../../clock.js";
import { errors } from "../../errors.js";
import { newId } from "../../ids.js";
import { pingRedis, type RedisClient } from "../redis.js";
import type { Cache, CacheGroup, CacheKey } from "./port.js";

const dependency = "The cache";
/** Longer than any value lives; a group nobody reads for so long begins anew. */
const generationMs = 7 * 86_400_000;
const generationBytes = 36;
const headBytes = generationBytes + 8;

/**
 * A cache in Redis, shared by replicas. A value is stored with its generation
 * (36 bytes) and the time until which it is fresh (milliseconds of the epoch, as
 * a double) before it. The group is the hash tag, so that a cluster keeps a
 * value and its group's generation on one node and one MGET reads both.
 */
export function redisCache({
  client,
  clock,
}: {
  readonly client: RedisClient;
  readonly clock: Clock;
}): Cache {
  return {
    read: (key) =>
      guarded(async () => {
        const group = groupText(key);
        const [stored, entry] = await client.mgetBuffer(group, keyText(key));
        const generation = stored?.toString("latin1") ?? (await begin(client, group));
        if (!entry || entry.toString("latin1", 0, generationBytes) !== generation) {
          return { value: undefined, fresh: false, generation };
        }
        const fresh = clock.now() < entry.readDoubleBE(generationBytes);
        return { value: entry.subarray(headBytes), fresh, generation };
      }),
    write: (key, value, { generation, freshMs, staleMs }) =>
      guarded(async () => {
        const head = Buffer.alloc(headBytes);
        head.write(generation, "latin1");
        head.writeDoubleBE(clock.now() + freshMs, generationBytes);
        await client.set(keyText(key), Buffer.concat([head, value]), "PX", freshMs + staleMs);
      }),
    invalidate: (group) => guarded(async () => void (await client.unlink(groupText(group)))),
    ping: () => pingRedis(client, dependency),
    close: async () => client.disconnect(),
  };
}

/** The group's new generation, or the one that somebody else began first. */
async function begin(client: RedisClient, group: string): Promise<string> {
  const generation = newId();
  const earlier = await client.set(group, generation, "PX", generationMs, "NX", "GET");
  return earlier ?? generation;
}

async function guarded<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    throw errors.dependencyUnavailable({ dependency }, error);
  }
}

function groupText({ tenant, group }: CacheGroup): string {
  return `cache:{${encodeURIComponent(tenant)}/${encodeURIComponent(group)}}`;
}

function keyText(key: CacheKey): string {
  return `${groupText(key)}:${encodeURIComponent(key.name)}`;
}
