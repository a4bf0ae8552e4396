import { type DelayProxy, startDelayProxy } from "../servers/delay-proxy.js";
import { startNats } from "../servers/nats.js";
import { type PostgresServer, startPostgres } from "../servers/postgres.js";
import { startRedis } from "../servers/redis.js";

/** A server that a deployment depends on, and what can happen to it. */
export interface Dependency {
  readonly name: "postgres" | "redis" | "nats";
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and files. */
  start(): Promise<void>;
  /** Freezes it: connections stay open and nothing answers. */
  hang(): Promise<void>;
  resume(): Promise<void>;
  /** Slows each direction down by so many milliseconds. */
  slow(milliseconds: number): void;
}

/** The servers behind a deployment, each behind a proxy that may slow it down. */
export interface Dependencies {
  readonly all: readonly Dependency[];
  readonly postgres: PostgresServer;
  readonly database: string;
  /** Of NATS itself, for those who watch. */
  readonly natsUrl: string;
  /** Where the services find them. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts PostgreSQL with an empty database, Redis and NATS. */
export async function startDependencies(): Promise<Dependencies> {
  const [postgres, redis, nats] = await Promise.all([startPostgres(), startRedis(), startNats()]);
  const database = await postgres.createDatabase();
  const proxies = await Promise.all([postgres.port, redis.port, nats.port].map(startDelayProxy));
  const [toPostgres, toRedis, toNats] = proxies as [DelayProxy, DelayProxy, DelayProxy];
  const url = new URL(postgres.url(database));
  url.port = `${toPostgres.port}`;
  return {
    all: [
      {
        name: "postgres",
        kill: () => postgres.process().kill(),
        start: () => postgres.start(),
        hang: () => postgres.process().pause(),
        resume: () => postgres.process().resume(),
        slow: toPostgres.delay,
      },
      ...([["redis", redis, toRedis] as const, ["nats", nats, toNats] as const] as const).map(
        ([name, server, proxy]) => ({
          name,
          kill: server.kill,
          start: server.restart,
          hang: async () => server.hang(),
          resume: async () => server.resume(),
          slow: proxy.delay,
        }),
      ),
    ],
    postgres,
    database,
    natsUrl: `nats://127.0.0.1:${nats.port}`,
    environment: {
      DATABASE_URL: url.href,
      REDIS_URL: `redis://127.0.0.1:${toRedis.port}`,
      NATS_URL: `nats://127.0.0.1:${toNats.port}`,
    },
    async stop() {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await Promise.all([postgres.remove(), redis.stop(), nats.stop()]);
    },
  };
}
