import { LRUCache } from "lru-cache";
import type { Clock } from "../../clock.js";
import { newId } from "../../ids.js";
import type { Cache, CacheGroup, CacheKey } from "./port.js";

export interface MemoryCacheOptions {
  readonly clock: Clock;
  /** Bytes of all values together; the least recently read go first. */
  readonly mostBytes?: number;
  /** Groups whose generation is remembered; what is of the others is forgotten with it. */
  readonly mostGroups?: number;
}

interface Entry {
  readonly value: Uint8Array;
  readonly generation: string;
  readonly freshUntil: number;
}

/** Counted for an entry besides its value. */
const entryBytes = 200;

/** A cache inside this process, for itself alone. */
export function memoryCache(options: MemoryCacheOptions): Cache {
  const { clock, mostBytes = 64 * 1024 * 1024, mostGroups = 50_000 } = options;
  const perf = { now: () => clock.monotonic() };
  const generations = new LRUCache<string, string>({ max: mostGroups });
  const entries = new LRUCache<string, Entry>({
    maxSize: mostBytes,
    sizeCalculation: ({ value }) => value.byteLength + entryBytes,
    perf,
    ttlResolution: 0,
  });
  const generationOf = (group: string) => {
    const known = generations.get(group);
    if (known) return known;
    const fresh = newId();
    generations.set(group, fresh);
    return fresh;
  };
  return {
    async read(key) {
      const generation = generationOf(groupText(key));
      const entry = entries.get(keyText(key));
      if (entry?.generation !== generation) return { value: undefined, fresh: false, generation };
      return { value: entry.value, fresh: clock.monotonic() < entry.freshUntil, generation };
    },
    async write(key, value, { generation, freshMs, staleMs }) {
      const freshUntil = clock.monotonic() + freshMs;
      entries.set(keyText(key), { value, generation, freshUntil }, { ttl: freshMs + staleMs });
    },
    async invalidate(group) {
      generations.delete(groupText(group));
    },
    ping: async () => undefined,
    async close() {
      entries.clear();
      generations.clear();
    },
  };
}

function groupText({ tenant, group }: CacheGroup): string {
  return JSON.stringify([tenant, group]);
}

function keyText(key: CacheKey): string {
  return JSON.stringify([key.tenant, key.group, key.name]);
}
