import { connect, headers } from "nats";
import { consume } from "../../services/kit/events/inbox.js";
import { newId } from "../../services/kit/ids.js";
import { natsBus } from "../../services/kit/stores/bus/nats.js";
import { cached } from "../../services/kit/stores/cache/cached.js";
import { redisCache } from "../../services/kit/stores/cache/redis.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { redisClient } from "../../services/kit/stores/redis.js";
import {
  type EffectTables,
  effectSchema,
  record,
  reporting,
  startRelay,
  until,
} from "../kit/events/events.js";
import { startNats } from "../real/servers/nats.js";
import { startPostgres } from "../real/servers/postgres.js";
import { startRedis } from "../real/servers/redis.js";
import { median, type Row } from "./rows.js";

const batch = 256;
const rounds = 80;
const events = 5_000;
const reads = 5_000;

/** Batches of 256 messages of 256 bytes through the bus, beside the bare client on the same server, in turns. */
export async function publishing(): Promise<Row[]> {
  const server = await startNats();
  const bus = await natsBus({ servers: [`nats://127.0.0.1:${server.port}`] });
  await until(() => answers(bus.ping()));
  const bare = await connect({ port: server.port });
  const manager = await bare.jetstreamManager();
  await manager.streams.add({ name: "bare", subjects: ["bare.>"] });
  const js = bare.jetstream();
  const body = new Uint8Array(256);
  const ours = () =>
    bus.publish(
      Array.from({ length: batch }, () => ({
        id: newId(),
        subject: "events.bench.Happened",
        headers: { "ce-type": "bench.v1.Happened", "ce-time": "2026-01-01T00:00:00.000Z" },
        body,
      })),
    );
  const theirs = () =>
    Promise.all(
      Array.from({ length: batch }, () => {
        const given = headers();
        given.set("ce-type", "bench.v1.Happened");
        given.set("ce-time", "2026-01-01T00:00:00.000Z");
        return js.publish("bare.bench.Happened", body, { msgID: newId(), headers: given });
      }),
    );
  for (let warm = 0; warm < 10; warm++) await Promise.all([ours(), theirs()]);
  const [one, other]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    one.push(await rate(batch, ours));
    other.push(await rate(batch, theirs));
  }
  await Promise.all([bus.close(), bare.close()]);
  await server.stop();
  const ratio = median(one.map((value, round) => value / (other[round] ?? Number.NaN)));
  return [
    row("JetStream batch publish, bare client", Math.round(median(other)), "messages/s"),
    {
      ...row("JetStream batch publish", Math.round(median(one)), "messages/s"),
      ratio,
      to: "the bare client",
      goal: "≥ 0.8",
      met: ratio >= 0.8,
    },
  ];
}

/** Recorded events of 100 aggregates through relay, JetStream and inbox to their effects, on PostgreSQL. */
export async function throughput(): Promise<Row[]> {
  const [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
  const address = postgres.address(await postgres.createDatabase());
  const database = await openPostgres({ address, applicationName: "bench", poolSize: 20 });
  const agents = await effectSchema(database, "agents");
  const reader = await effectSchema(database, "reader");
  const bus = await natsBus({ servers: [`nats://127.0.0.1:${nats.port}`] });
  const aggregates = Array.from({ length: 100 }, newId);
  for (let version = 1; version <= events / aggregates.length; version++) {
    await Promise.all(aggregates.map((id) => record(agents, id, BigInt(version))));
  }
  let applied = 0;
  const consumer = await consume<EffectTables>({
    db: reader,
    bus,
    name: "bench",
    subject: "events.agents.>",
    deadLetters: bus.deadLetters,
    ...reporting(),
    handler: async (trx, { id, aggregateId, version }) => {
      await trx.insertInto("effects").values({ event_id: id, aggregate_id: aggregateId, version }).execute();
      applied += 1;
    },
  });
  await until(() => answers(bus.ping()));
  const begun = performance.now();
  const relay = startRelay({ db: agents, bus, workload: "agents", ...reporting() });
  await until(() => applied >= events, 120_000);
  const seconds = (performance.now() - begun) / 1000;
  await Promise.all([relay.stop(), consumer.stop()]);
  await bus.close();
  await database.end();
  await Promise.all([postgres.remove(), nats.stop()]);
  return [row("events through outbox, JetStream and inbox", Math.round(events / seconds), "events/s")];
}

/** Hits of a read-through cache with Redis on this machine, one after the other. */
export async function hits(): Promise<Row[]> {
  const server = await startRedis();
  const { metrics, log, clock } = reporting();
  const cache = redisCache({ client: await redisClient({ url: `redis://127.0.0.1:${server.port}` }), clock });
  await until(() => answers(cache.ping()));
  const read = cached<string, Uint8Array>({
    cache,
    name: "bench",
    keyOf: (group) => ({ tenant: "t1", group, name: "value.v1" }),
    codec: { encode: (value) => value, decode: (bytes) => bytes },
    load: async () => new Uint8Array(1_000),
    metrics,
    log,
  });
  for (let warm = 0; warm < 500; warm++) await read("a");
  const took: number[] = [];
  for (let count = 0; count < reads; count++) {
    const begun = performance.now();
    await read("a");
    took.push(performance.now() - begun);
  }
  await cache.close();
  await server.stop();
  const p95 = took.sort((a, b) => a - b)[Math.floor(reads * 0.95)] ?? Number.NaN;
  return [
    { ...row("cache hit with Redis, p95", Number(p95.toFixed(3)), "ms"), goal: "< 1 ms", met: p95 < 1 },
  ];
}

async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return count / ((performance.now() - begun) / 1000);
}

function answers(ping: Promise<void>): Promise<boolean> {
  return ping.then(
    () => true,
    () => false,
  );
}

function row(measure: string, value: number, unit: string): Row {
  return { measure, value, unit };
}
