import { readFile } from "node:fs/promises";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { errors } from "../errors.js";

/** Where Redis is and how to prove who we are. Files are read once, at the start. */
export interface RedisServers {
  /** Such as `redis://cache:6379/0`, or `rediss://` for TLS; may carry user and password. */
  readonly url?: string | undefined;
  /** Some nodes of a cluster, each `host:port`; in place of a URL. */
  readonly clusterNodes?: readonly string[] | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Whether to use TLS with a cluster; a URL says so itself. */
  readonly tls?: boolean | undefined;
  /** Authorities to trust instead of the system's, in PEM. */
  readonly caFile?: string | undefined;
}

/** A connection to Redis, or one to each node of a cluster. */
export type RedisClient = Redis | Cluster;

/** How long Redis may take to answer a command, in milliseconds. */
const commandMs = 500;
/** Silence, while it owes an answer, after which a connection is given up, in milliseconds. */
const silenceMs = 2_000;
const longestRetryMs = 1_000;

/**
 * Connects, and again whenever a connection is lost, until closed. Commands given
 * in one turn of the event loop travel together. Without a connection they fail
 * at once, so none piles up in memory, and none is sent twice.
 */
export async function redisClient(servers: RedisServers): Promise<RedisClient> {
  const { url, clusterNodes, caFile } = servers;
  const ca = caFile ? await readFile(caFile, "utf8") : undefined;
  const secure = servers.tls ?? url?.startsWith("rediss://") ?? false;
  const shared: RedisOptions = {
    ...(servers.username && { username: servers.username }),
    ...(servers.password && { password: servers.password }),
    ...(secure && { tls: ca ? { ca } : {} }),
    commandTimeout: commandMs,
    socketTimeout: silenceMs,
    connectTimeout: silenceMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectionName: "consciousness-engine",
  };
  const retry = (times: number) => Math.min(times * 50, longestRetryMs);
  const client = clusterNodes
    ? new Cluster(clusterNodes.map(nodeOf), {
        redisOptions: shared,
        enableOfflineQueue: false,
        enableAutoPipelining: true,
        clusterRetryStrategy: retry,
        clusterNodeRetryStrategy: retry,
        slotsRefreshTimeout: silenceMs,
        maxRedirections: 3,
      })
    : new Redis(url ?? "", {
        ...shared,
        enableOfflineQueue: false,
        enableAutoPipelining: true,
        retryStrategy: retry,
      });
  // Whoever gives a command learns of it; without a listener it would end the process.
  client.on("error", () => undefined);
  return client;
}

/** Rejects unless Redis answers; a cluster does when it serves all of its slots. */
export async function pingRedis(client: RedisClient, dependency: string): Promise<void> {
  try {
    if (!(client instanceof Cluster)) return void (await client.ping());
    // CLUSTER INFO alone is sent before the slots are known, when nothing else is.
    if (client.status !== "ready") throw new Error(`the connection is ${client.status}`);
    const info = String(await client.cluster("INFO"));
    if (!info.includes("cluster_state:ok")) throw new Error("the cluster does not serve all slots");
  } catch (error) {
    throw errors.dependencyUnavailable({ dependency }, error);
  }
}

function nodeOf(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
