import { errors } from "../../errors.js";
import type { Log } from "../../log.js";
import type { Metrics } from "../../metrics.js";
import type { Cache, CacheKey, CacheRead } from "./port.js";

/** How values travel to the cache and back; `decode` throws on what it cannot read. */
export interface CacheCodec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** What a read-through cache is made of. Durations are in milliseconds. */
export interface CachedOptions<K, T> {
  readonly cache: Cache;
  /** Names it in metrics. */
  readonly name: string;
  keyOf(key: K): CacheKey;
  /** Fetches what the cache does not have. */
  load(key: K): Promise<T>;
  readonly codec: CacheCodec<T>;
  readonly metrics: Pick<Metrics, "cacheReads">;
  readonly log: Log;
  /** How long a value is fresh; 5 minutes unless given. */
  readonly ttlMs?: number;
  /** How long after that it is served while it is loaded anew; 0 unless the contract allows more. */
  readonly staleMs?: number;
  /** How many loads may be in progress at once; more are refused. */
  readonly mostLoads?: number;
}

const defaultTtlMs = 300_000;
const away: CacheRead = { value: undefined, fresh: false, generation: "" };

/**
 * Reads through a cache. Those who ask for one key at once share one load. While
 * the cache is away everything is loaded, within the bound. Rejects as `load`
 * does, and with OVERLOADED beyond `mostLoads`.
 */
export function cached<K, T>(options: CachedOptions<K, T>): (key: K) => Promise<T> {
  const {
    cache,
    name,
    keyOf,
    codec,
    metrics,
    log,
    ttlMs = defaultTtlMs,
    staleMs = 0,
    mostLoads = 64,
  } = options;
  const reads = new Map<string, Promise<T>>();
  const loads = new Map<string, Promise<T>>();
  const count = (outcome: string) => metrics.cacheReads.add({ cache: name, outcome });

  const load = async (key: K, { generation }: CacheRead): Promise<T> => {
    const value = await options.load(key);
    if (generation) {
      const life = { generation, freshMs: ttlMs, staleMs };
      cache.write(keyOf(key), codec.encode(value), life).catch(() => undefined);
    }
    return value;
  };
  const loadOnce = (key: K, read: CacheRead): Promise<T> =>
    once(loads, JSON.stringify(keyOf(key)), () => {
      if (loads.size >= mostLoads)
        throw errors.overloaded({ workload: `The source of ${name}`, limit: mostLoads });
      return load(key, read);
    });
  const readThrough = async (key: K): Promise<T> => {
    const read = await cache.read(keyOf(key)).catch(() => away);
    const found = decoded(read.value, codec);
    if (!found) {
      count(read === away ? "away" : "miss");
      return loadOnce(key, read);
    }
    count(read.fresh ? "hit" : "stale");
    if (!read.fresh) {
      loadOnce(key, read).catch((cause: unknown) => log.warn("a stale value stays", { cause }));
    }
    return found.value;
  };
  return (key) => once(reads, JSON.stringify(keyOf(key)), () => readThrough(key));
}

/** What is under way for a key, or else `begin`. */
function once<T>(underWay: Map<string, Promise<T>>, key: string, begin: () => Promise<T>): Promise<T> {
  const known = underWay.get(key);
  if (known) return known;
  const begun = (async () => begin())().finally(() => underWay.delete(key));
  underWay.set(key, begun);
  return begun;
}

function decoded<T>(bytes: Uint8Array | undefined, codec: CacheCodec<T>): { readonly value: T } | undefined {
  if (!bytes) return undefined;
  try {
    return { value: codec.decode(bytes) };
  } catch {
    return undefined;
  }
}
