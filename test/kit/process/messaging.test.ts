import { describe, expect, it } from "vitest";
import { systemClock } from "../../../services/kit/clock.js";
import { ConfigError, configSource } from "../../../services/kit/config.js";
import { messagingConfig, openMessaging } from "../../../services/kit/process/messaging.js";

type Options = Parameters<typeof messagingConfig>[1];

const read = (
  environment: Record<string, string>,
  options: Options = { deployment: "single", running: ["engine"] },
) => {
  const source = configSource(environment);
  const config = messagingConfig(source, options);
  source.finish();
  return config;
};

const problems = (...args: Parameters<typeof read>) => {
  try {
    read(...args);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map(({ name, expected }) => `${name}: ${expected}`);
  }
  return [];
};

describe("events, cache and limits of a process", () => {
  it("are within the process by default", async () => {
    const config = read({});
    expect(config).toEqual({ nats: undefined, redis: undefined, eventMs: 14 * 86_400_000 });
    const { bus, cache, limits, close } = await openMessaging(config, systemClock);
    await Promise.all([bus.ping(), cache.ping(), limits.ping()]);
    await close();
  });

  it("are on servers by their URLs", () => {
    expect(
      read({
        NATS_URL: "nats://nats-0:4222, tls://nats-1:4222",
        NATS_CREDENTIALS_FILE: "/run/nats.creds",
        NATS_REPLICAS: "3",
        REDIS_URL: "rediss://cache:6379/0",
        REDIS_PASSWORD: "hidden-word",
      }),
    ).toMatchObject({
      nats: {
        servers: ["nats://nats-0:4222", "tls://nats-1:4222"],
        credentialsFile: "/run/nats.creds",
        replicas: 3,
        retentionMs: 14 * 86_400_000,
      },
      redis: { url: "rediss://cache:6379/0", password: "hidden-word" },
    });
    const cluster = read({ REDIS_CLUSTER_NODES: "redis-0:6379, redis-1:6379", REDIS_TLS: "true" });
    expect(cluster.redis).toMatchObject({ clusterNodes: ["redis-0:6379", "redis-1:6379"], tls: true });
  });

  it("are refused where the URLs are none, which are not shown", () => {
    const wrong = { NATS_URL: "http://ada:hidden-word@nats", REDIS_URL: "hidden-word" };
    expect(problems(wrong)).toEqual([
      "NATS_URL: URLs such as nats://nats:4222 or tls://nats:4222, with commas between",
      "REDIS_URL: a URL such as redis://redis:6379/0, or rediss:// for TLS",
    ]);
    expect(problems({ REDIS_CLUSTER_NODES: "redis-0" })).toHaveLength(1);
    expect(problems({ REDIS_CLUSTER_NODES: "redis-0:6379", REDIS_URL: "redis://redis" })).toEqual([
      "REDIS_URL: nothing, since REDIS_CLUSTER_NODES is given too",
    ]);
  });

  it("are refused to replicas when they are within the process, each by name", () => {
    const [nats, redis] = problems({}, { deployment: "replicated", running: ["engine"] });
    expect(nats).toMatch(/^NATS_URL: .*event bus/);
    expect(redis).toMatch(/^REDIS_URL: .*cache and the limits/);
  });

  it("are allowed to replicas on servers, of which each needs what the contract gives it", () => {
    const redis = { REDIS_URL: "redis://cache" };
    const replicated = { deployment: "replicated" } as const;
    expect(problems({ ...redis, NATS_URL: "nats://nats" }, { ...replicated, running: ["engine"] })).toEqual(
      [],
    );
    // The contract gives agents no cache, and the mesh no way to one.
    expect(problems({ NATS_URL: "nats://nats" }, { ...replicated, running: ["agents"] })).toEqual([]);
    expect(problems(redis, { ...replicated, running: ["gateway"] })).toHaveLength(1);
  });

  it("are not opened by a process whose workloads are given none", () => {
    const urls = { NATS_URL: "nats://nats", REDIS_URL: "redis://cache" };
    const { nats, redis } = read(urls, { deployment: "single", running: ["agents", "auth"] });
    expect([nats?.servers, redis]).toEqual([["nats://nats"], undefined]);
  });

  it("do not keep a process from starting while their servers are away", async () => {
    const config = read({ NATS_URL: "nats://127.0.0.1:1", REDIS_URL: "redis://127.0.0.1:1" });
    const { bus, cache, limits, close } = await openMessaging(config, systemClock);
    await expect(bus.ping()).rejects.toThrow("The event bus does not answer");
    await expect(cache.ping()).rejects.toThrow("The cache does not answer");
    await expect(limits.ping()).rejects.toThrow("The rate limiter does not answer");
    await close();
  });
});
