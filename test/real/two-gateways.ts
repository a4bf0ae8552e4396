import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { startPlatform, type TestPlatform } from "../support/platform.js";
import { freePorts } from "../support/spawned-platform.js";
import { startRedis } from "./servers/redis.js";
import type { Server } from "./servers/server.js";

/** Two replicas of the gateway before one auth and one agents, with their limits in one Redis. */
export interface TwoGateways {
  readonly redis: Server;
  readonly one: TestPlatform;
  readonly other: TestPlatform;
  /** Forgets what was counted, at a time from which the hour has some time left. */
  beginHour(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts them with settings of the gateways. */
export async function startTwoGateways(settings: Record<string, string>): Promise<TwoGateways> {
  const redis = await startRedis();
  const ports = await freePorts(["auth", "agents"]);
  const apart = {
    PEER_SECRET: "s".repeat(32),
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    AUTH_URL: `http://127.0.0.1:${ports.auth}`,
    AGENTS_URL: `http://127.0.0.1:${ports.agents}`,
  };
  const services = await startPlatform({
    names: ["auth", "agents"],
    environment: {
      ...apart,
      AUTH_PORT: `${ports.auth}`,
      AGENTS_PORT: `${ports.agents}`,
      ADMISSION_CONCURRENT: "10000",
    },
  });
  const environment = { ...apart, RATE_SIGN_IN_PER_MINUTE: "100", ...settings };
  const start = () => startPlatform({ names: ["gateway"], environment });
  const [one, other] = await Promise.all([start(), start()]);
  return {
    redis,
    one,
    other,
    async beginHour() {
      const left = 3_600_000 - (Date.now() % 3_600_000);
      if (left < 60_000) await delay(left + 100);
      const client = new Redis(redis.port, "127.0.0.1");
      await client.flushall();
      client.disconnect();
    },
    async stop() {
      await Promise.all([one.stop(), other.stop()]);
      await services.stop();
      await redis.stop();
    },
  };
}
