import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { freePort, installed, type Server, startServer } from "./server.js";

export const redisInstalled = installed("redis-server");

/** A Redis server that keeps nothing on disk. */
export function startRedis(
  options: { readonly more?: readonly string[]; readonly port?: number; readonly password?: string } = {},
): Promise<Server> {
  const { more = [], port, password } = options;
  const secret = password === undefined ? [] : ["--requirepass", password];
  return startServer({
    command: "redis-server",
    arguments: (at) => ["--port", `${at}`, "--bind", "127.0.0.1", "--save", "", ...secret, ...more],
    ready: (at) => ask(at, async (client) => void (await client.ping()), password),
    ...(port === undefined ? {} : { port }),
  });
}

/** A cluster of three masters, each with a replica. */
export async function startCluster(): Promise<readonly Server[]> {
  const nodes: Server[] = [];
  for (let node = 0; node < 6; node++)
    nodes.push(await startRedis({ more: clusterArguments, port: await clusterPort() }));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await promisify(execFile)("redis-cli", [
    "--cluster",
    "create",
    ...addresses,
    "--cluster-replicas",
    "1",
    "--cluster-yes",
  ]);
  await Promise.all(nodes.map(({ port }) => untilWhole(port)));
  return nodes;
}

// A replica that has not synchronised never replaces its master, so synchronise at once.
const clusterArguments = [
  ...["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000"],
  ...["--appendonly", "yes", "--repl-diskless-sync-delay", "0"],
];

/** A free port whose cluster bus, 10,000 above, has a number too. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port < 55_000) return port;
  }
}

async function untilWhole(port: number): Promise<void> {
  for (let left = 200; left > 0; left--) {
    const state = String(await ask(port, (client) => client.cluster("INFO")));
    const nodes = String(await ask(port, (client) => client.cluster("NODES")));
    const slaves = nodes.split("\n").filter((line) => line.includes("slave")).length;
    if (state.includes("cluster_state:ok") && slaves === 3) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the cluster did not come together");
}

async function ask<R>(port: number, question: (client: Redis) => Promise<R>, password?: string): Promise<R> {
  const secret = password === undefined ? {} : { password };
  const client = new Redis(port, "127.0.0.1", { lazyConnect: true, retryStrategy: () => null, ...secret });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await question(client);
  } finally {
    client.disconnect();
  }
}
