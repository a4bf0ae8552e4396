import { newId } from "../../services/kit/ids.js";
import { natsBus } from "../../services/kit/stores/bus/nats.js";
import { invalidateByEvents } from "../../services/kit/stores/cache/invalidate.js";
import { redisCache } from "../../services/kit/stores/cache/redis.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { redisClient } from "../../services/kit/stores/redis.js";
import { effectSchema, record, reporting, startRelay, until } from "../kit/events/events.js";
import { startNats } from "../real/servers/nats.js";
import { startPostgres } from "../real/servers/postgres.js";
import { startRedis } from "../real/servers/redis.js";
import { median, type Row } from "./rows.js";

const changes = 100;
const life = { freshMs: 300_000, staleMs: 0 };

/**
 * How long a cached value outlives the commit of a change: through outbox, relay,
 * JetStream and the consumer that ends its group in Redis. Changes come alone,
 * so each meets a relay that pauses.
 */
export async function hearing(): Promise<Row[]> {
  const [postgres, nats, redis] = await Promise.all([startPostgres(), startNats(), startRedis()]);
  const { clock, ...others } = reporting();
  const reports = { clock, ...others };
  const address = postgres.address(await postgres.createDatabase());
  const database = openPostgres({ address, applicationName: "bench", poolSize: 5 });
  const agents = await effectSchema(database, "agents");
  const bus = await natsBus({ servers: [`nats://127.0.0.1:${nats.port}`] });
  const cache = redisCache({ client: await redisClient({ url: `redis://127.0.0.1:${redis.port}` }), clock });
  await until(() =>
    Promise.all([bus.ping(), cache.ping()]).then(
      () => true,
      () => false,
    ),
  );
  const relay = startRelay({ db: agents, bus, workload: "agents", ...reports });
  const consumer = await invalidateByEvents({
    ...reports,
    cache,
    bus,
    name: "bench",
    subject: "events.agents.>",
    groupOf: ({ aggregateId }) => `agent/${aggregateId}`,
    deadLetters: bus.deadLetters,
  });
  const took: number[] = [];
  for (let count = 0; count < changes; count++) {
    const id = newId();
    const key = { tenant: "t1", group: `agent/${id}`, name: "agent.v1" };
    const { generation } = await cache.read(key);
    await cache.write(key, new Uint8Array(1_000), { ...life, generation });
    await record(agents, id);
    const committed = performance.now();
    while ((await cache.read(key)).value) await new Promise((resolve) => setImmediate(resolve));
    took.push(performance.now() - committed);
  }
  await Promise.all([relay.stop(), consumer.stop()]);
  await Promise.all([bus.close(), cache.close(), database.end()]);
  await Promise.all([postgres.remove(), nats.stop(), redis.stop()]);
  const p95 = took.sort((a, b) => a - b)[Math.floor(changes * 0.95)] ?? Number.NaN;
  return [
    { measure: "a change until its cached value ends, median", value: Math.round(median(took)), unit: "ms" },
    { measure: "a change until its cached value ends, p95", value: Math.round(p95), unit: "ms" },
  ];
}
