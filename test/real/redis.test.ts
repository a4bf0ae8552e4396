import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../services/kit/clock.js";
import { newId } from "../../services/kit/ids.js";
import type { Cache } from "../../services/kit/stores/cache/port.js";
import { redisCache } from "../../services/kit/stores/cache/redis.js";
import type { Limits } from "../../services/kit/stores/limits/port.js";
import { redisLimits } from "../../services/kit/stores/limits/redis.js";
import { type RedisServers, redisClient } from "../../services/kit/stores/redis.js";
import { until } from "../kit/events/events.js";
import { cacheContract } from "../kit/stores/cache-contract.js";
import { limitsContract } from "../kit/stores/limits-contract.js";
import { selfSigned } from "../support/certificate.js";
import { redisInstalled, startCluster, startRedis } from "./servers/redis.js";
import { freePort, type Server } from "./servers/server.js";

/** Waits until a window of the length, by the epoch, has begun, unless this one has most of its time left. */
async function beginWindow(ms: number): Promise<void> {
  const left = ms - (Date.now() % ms);
  if (left < Math.min(ms * 0.9, 5_000)) await delay(left + 20);
}

async function answering<R extends Cache | Limits>(store: R): Promise<R> {
  await until(() =>
    store.ping().then(
      () => true,
      () => false,
    ),
  );
  return store;
}

const openCache = async (servers: RedisServers) =>
  answering(redisCache({ client: await redisClient(servers), clock: systemClock }));
const openLimits = async (servers: RedisServers) =>
  answering(redisLimits({ client: await redisClient(servers) }));

describe.skipIf(!redisInstalled)("against a real Redis", () => {
  let server: Server;
  let servers: RedisServers;
  beforeAll(async () => {
    server = await startRedis({ password: "a secret" });
    servers = { url: `redis://127.0.0.1:${server.port}/0`, password: "a secret" };
  });
  afterAll(() => server?.stop());

  cacheContract("in Redis", async () => ({ cache: await openCache(servers), pass: delay }));
  limitsContract("in Redis", async () => ({ limits: await openLimits(servers), pass: delay, beginWindow }));

  it("two replicas count one limit and see one cache", async () => {
    const [one, other] = [await openLimits(servers), await openLimits(servers)];
    const request = { key: newId(), limit: 20, windowMs: 60_000 };
    const both = [one, other].flatMap((limits) => Array.from({ length: 30 }, () => limits.take(request)));
    expect((await Promise.all(both)).filter(({ allowed }) => allowed)).toHaveLength(20);
    const [here, there] = [await openCache(servers), await openCache(servers)];
    const at = { tenant: "t", group: newId(), name: "n" };
    const { generation } = await here.read(at);
    await here.write(at, Uint8Array.of(1), { generation, freshMs: 60_000, staleMs: 0 });
    expect((await there.read(at)).fresh).toBe(true);
    await there.invalidate(at);
    expect((await here.read(at)).value).toBeUndefined();
    await Promise.all([one, other, here, there].map((store) => store.close()));
  });

  it("speaks TLS to a server that it trusts, and to no other", async () => {
    const directory = await mkdtemp(join(tmpdir(), "redis-tls-"));
    const { key, cert } = await selfSigned();
    const [keyFile, certFile] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    await Promise.all([writeFile(keyFile, key), writeFile(certFile, cert)]);
    const port = await freePort();
    const own = await startRedis({
      more: [
        "--tls-port",
        `${port}`,
        "--tls-cert-file",
        certFile,
        "--tls-key-file",
        keyFile,
        "--tls-auth-clients",
        "no",
      ],
    });
    const cache = await openCache({ url: `rediss://127.0.0.1:${port}`, caFile: certFile });
    await cache.ping();
    const doubting = redisCache({
      client: await redisClient({ url: `rediss://127.0.0.1:${port}` }),
      clock: systemClock,
    });
    await delay(500);
    await expect(doubting.ping()).rejects.toThrow("The cache does not answer");
    await Promise.all([cache.close(), doubting.close()]);
    await own.stop();
    await rm(directory, { recursive: true });
  });

  it.each([
    ["killed", (of: Server) => of.kill(), (of: Server) => of.restart()],
    ["hung", async (of: Server) => of.hang(), async (of: Server) => of.resume()],
  ])(
    "refuses at once while the server is %s, grows no queue, and is back soon after",
    async (_, stop, start) => {
      const own = await startRedis();
      const limits = await openLimits({ url: `redis://127.0.0.1:${own.port}` });
      const request = { key: newId(), limit: 1_000_000, windowMs: 60_000 };
      await limits.take(request);
      await stop(own);
      const took: number[] = [];
      const end = Date.now() + 5_000;
      const before = process.memoryUsage().heapUsed;
      while (Date.now() < end) {
        const begun = performance.now();
        const outcome = await limits.take(request).catch((error: unknown) => error);
        expect(outcome).toMatchObject({ rawMessage: "The rate limiter does not answer." });
        took.push(performance.now() - begun);
        await delay(5);
      }
      expect(Math.max(...took)).toBeLessThan(1_000);
      expect(took.at(-1)).toBeLessThan(600);
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
      await start(own);
      const returned = Date.now();
      await answering(limits);
      expect((await limits.take(request)).allowed).toBe(true);
      expect(Date.now() - returned).toBeLessThan(5_000);
      await limits.close();
      await own.stop();
    },
  );
});

describe.skipIf(!redisInstalled)("against a real Redis Cluster", () => {
  let nodes: readonly Server[] = [];
  let servers: RedisServers;
  beforeAll(async () => {
    nodes = await startCluster();
    servers = { clusterNodes: nodes.slice(0, 2).map(({ port }) => `127.0.0.1:${port}`) };
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  });

  cacheContract("in a cluster", async () => ({ cache: await openCache(servers), pass: delay }));
  limitsContract("in a cluster", async () => ({
    limits: await openLimits(servers),
    pass: delay,
    beginWindow,
  }));

  it("goes on when a master is killed and its replica takes over", async () => {
    const limits = await openLimits(servers);
    const keys = Array.from({ length: 30 }, newId);
    const all = () =>
      Promise.allSettled(keys.map((key) => limits.take({ key, limit: 100, windowMs: 60_000 })));
    expect((await all()).every(({ status }) => status === "fulfilled")).toBe(true);
    await delay(1_000);
    await nodes[0]?.kill();
    const killed = Date.now();
    await until(async () => (await all()).every(({ status }) => status === "fulfilled"), 30_000);
    process.stderr.write(`a killed master was replaced after ${Date.now() - killed} ms\n`);
    await limits.close();
  });
});
