import { Store } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Clock } from "../clock.js";
import type { ConfigSource } from "../config.js";
import { type WorkloadName, workloadProfile, workloads } from "../contract/workloads.js";
import { createRelay, type Relay } from "../events/relay.js";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import { busConfig } from "../stores/bus/config.js";
import { memoryBus } from "../stores/bus/memory.js";
import { defaultRetentionMs, type NatsBusOptions, natsBus } from "../stores/bus/nats.js";
import type { Bus } from "../stores/bus/port.js";
import { memoryCache } from "../stores/cache/memory.js";
import type { Cache } from "../stores/cache/port.js";
import { redisCache } from "../stores/cache/redis.js";
import { openSchema } from "../stores/database/kysely.js";
import type { Database } from "../stores/database/port.js";
import { memoryLimits } from "../stores/limits/memory.js";
import type { Limits } from "../stores/limits/port.js";
import { redisLimits } from "../stores/limits/redis.js";
import { type RedisServers, redisClient } from "../stores/redis.js";
import { redisConfig } from "../stores/redis-config.js";
import { withDatabase } from "./stores.js";

/** Where events, cached values and limits are; undefined for within the process. */
export interface MessagingConfig {
  readonly nats: NatsBusOptions | undefined;
  readonly redis: RedisServers | undefined;
  /** How long the bus keeps an event, in milliseconds. */
  readonly eventMs: number;
}

/** What a process has for events, cached values and limits. */
export interface Messaging {
  readonly bus: Bus;
  readonly cache: Cache;
  readonly limits: Limits;
  close(): Promise<void>;
}

/**
 * Reads where events, cached values and limits are; problems stay in the source.
 * Replicas share all that the contract gives them, so each within the process is
 * a problem of its own then.
 */
export function messagingConfig(
  source: ConfigSource,
  { deployment, running }: { deployment: "single" | "replicated"; running: readonly WorkloadName[] },
): MessagingConfig {
  const nats = busConfig(source);
  const redis = redisConfig(source);
  const [bus, cache] = [stating(running, Store.BUS), stating(running, Store.CACHE)];
  if (deployment === "replicated" && !nats && bus) {
    const expected = "URLs of NATS servers, as replicas cannot share the event bus within a process";
    source.refuse({ name: "NATS_URL", value: "", expected });
  }
  if (deployment === "replicated" && !redis && cache) {
    const expected =
      "the URL of a Redis server, as replicas cannot share the cache and the limits within a process";
    source.refuse({ name: "REDIS_URL", value: "", expected });
  }
  return {
    nats: bus ? nats : undefined,
    redis: cache ? redis : undefined,
    eventMs: nats?.retentionMs ?? defaultRetentionMs,
  };
}

/** Whether the contract gives one of the workloads such a store; the network lets the others reach none. */
function stating(names: readonly WorkloadName[], store: Store): boolean {
  return names.some((name) => workloadProfile(workloads.get(name)!).stores.includes(store));
}

/** Opens what is configured. Does not wait for servers: who needs one that is away learns of it then. */
export async function openMessaging({ nats, redis }: MessagingConfig, clock: Clock): Promise<Messaging> {
  const bus = nats ? await natsBus(nats) : memoryBus();
  const cache = redis ? redisCache({ client: await redisClient(redis), clock }) : memoryCache({ clock });
  const limits = redis ? redisLimits({ client: await redisClient(redis) }) : memoryLimits({ clock });
  return {
    bus,
    cache,
    limits,
    async close() {
      await Promise.all([bus.close(), cache.close(), limits.close()]);
    },
  };
}

/** Makes the relay of a workload's outbox, when it has one; its schema has to be up to date. */
export async function relayOf(
  name: WorkloadName,
  options: {
    readonly database: () => Promise<Database>;
    readonly bus: Bus;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly clock: Clock;
  },
): Promise<Relay | undefined> {
  if (withDatabase([name]).length === 0) return undefined;
  const db = openSchema(await options.database(), name);
  return createRelay({ ...options, db, workload: name });
}
