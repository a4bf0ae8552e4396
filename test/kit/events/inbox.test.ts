import type { Kysely } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { errors } from "../../../services/kit/errors.js";
import type { Consumer } from "../../../services/kit/events/consumer.js";
import { type ConsumeOptions, consume } from "../../../services/kit/events/inbox.js";
import type { Relay } from "../../../services/kit/events/relay.js";
import { tableDeadLetters } from "../../../services/kit/events/table-dead-letters.js";
import { newId } from "../../../services/kit/ids.js";
import type { OutboxTables } from "../../../services/kit/outbox.js";
import { memoryBus } from "../../../services/kit/stores/bus/memory.js";
import type { Bus } from "../../../services/kit/stores/bus/port.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { emptyDatabase } from "../../support/database.js";
import { type EffectTables, effectSchema, record, reporting, startRelay, until } from "./events.js";

type Tables = EffectTables & OutboxTables;

describe("a consumer with an inbox", () => {
  let database: Database;
  let db: Kysely<Tables>;
  let bus: Bus;
  let relay: Relay;
  const consumers: Consumer[] = [];
  beforeAll(async () => {
    database = await emptyDatabase();
    db = await effectSchema(database, "agents");
  });
  afterAll(() => database.end());
  beforeEach(async () => {
    bus = memoryBus();
    for (const table of ["outbox", "effects", "inbox", "dead_letters"] as const) {
      await db.deleteFrom(table as "outbox").execute();
    }
  });
  afterEach(async () => {
    await Promise.all([...consumers.splice(0).map((consumer) => consumer.stop()), relay?.stop()]);
    await bus.close();
  });

  const start = async (over: Partial<ConsumeOptions<Tables>> = {}) => {
    const consumer = await consume<Tables>({
      db,
      bus,
      name: "reader",
      subject: "events.agents.>",
      deadLetters: tableDeadLetters(db, bus),
      retryMs: 5,
      attempts: 3,
      handler: async (trx, event) => {
        const { id, aggregateId, version } = event;
        await trx
          .insertInto("effects")
          .values({ event_id: id, aggregate_id: aggregateId, version })
          .execute();
      },
      ...reporting(),
      ...over,
    });
    consumers.push(consumer);
    return consumer;
  };
  const relayed = () => {
    relay = startRelay({ db, bus, workload: "agents", idleMs: 10, ...reporting() });
  };
  const effects = async () =>
    (await db.selectFrom("effects").selectAll().execute()).map((row) => row.event_id);
  const letters = () => tableDeadLetters(db, bus).list({ consumer: "reader", limit: 10 });

  it("makes the effect of each event once, however often it is published", async () => {
    await start();
    const ids = [await record(db), await record(db)];
    relayed();
    await until(async () => (await effects()).length === 2);
    await relay.stop();
    await db
      .updateTable("outbox")
      .set({ published_at: null as never })
      .execute();
    const other = memoryBus();
    const { metrics, ...report } = reporting();
    await start({ bus: other, metrics, ...report });
    relay = startRelay({ db, bus: other, workload: "agents", idleMs: 10, ...report, metrics });
    const duplicates = 'events_consumed_total{consumer="reader",outcome="duplicate"} 2';
    await until(async () => (await metrics.expose()).body.includes(duplicates));
    const { body } = await metrics.expose();
    expect(body).toContain('events_lag_seconds_count{consumer="reader"} 2\n');
    expect((await effects()).sort()).toEqual(ids.sort());
  });

  it("leaves no effect of an attempt that failed, and repeats it in the order of the aggregate", async () => {
    let failures = 2;
    await start({
      handler: async (trx, { id, aggregateId, version }) => {
        await trx
          .insertInto("effects")
          .values({ event_id: id, aggregate_id: aggregateId, version })
          .execute();
        if (version === 1n && failures-- > 0) throw new Error("not yet");
      },
    });
    const agent = newId();
    for (let version = 1n; version <= 4n; version++) await record(db, agent, version);
    relayed();
    await until(async () => (await effects()).length === 4);
    const rows = await db.selectFrom("effects").select("version").execute();
    expect(rows.map(({ version }) => version)).toEqual([1n, 2n, 3n, 4n]);
    expect(await letters()).toEqual([]);
  });

  it("sets an event aside that fails again and again, goes on, and applies it when replayed", async () => {
    let broken = true;
    const poison = newId();
    const { lines, ...report } = reporting();
    await start({
      ...report,
      handler: async (trx, { id, aggregateId, version }) => {
        if (broken && aggregateId === poison) throw new TypeError("cannot");
        await trx
          .insertInto("effects")
          .values({ event_id: id, aggregate_id: aggregateId, version })
          .execute();
      },
    });
    const poisoned = await record(db, poison);
    const healthy = await record(db);
    relayed();
    await until(async () => (await letters()).length === 1);
    await until(async () => (await effects()).length === 1);
    expect(await effects()).toEqual([healthy]);
    expect((await letters())[0]).toMatchObject({ consumer: "reader", id: poisoned, error: "TypeError" });
    await until(() => lines.some(({ message }) => message === "an event was set aside"));

    const dead = tableDeadLetters(db, bus);
    expect(await dead.replay({ consumer: "reader", limit: 10 })).toBe(1);
    expect(await letters()).toHaveLength(1);
    broken = false;
    expect(await dead.replay({ consumer: "reader", limit: 10, id: newId() })).toBe(0);
    expect(await dead.replay({ consumer: "reader", limit: 10, id: poisoned })).toBe(1);
    expect((await effects()).sort()).toEqual([healthy, poisoned].sort());
    expect(await letters()).toEqual([]);
  });

  it("waits for a database that is away and sets nothing aside for that", async () => {
    let away = 8;
    await start({
      handler: async (trx, { id, aggregateId, version }) => {
        if (away-- > 0) throw errors.dependencyUnavailable({ dependency: "The database" });
        await trx
          .insertInto("effects")
          .values({ event_id: id, aggregate_id: aggregateId, version })
          .execute();
      },
    });
    const id = await record(db);
    relayed();
    await until(async () => (await effects()).length === 1);
    expect(await effects()).toEqual([id]);
    expect(await letters()).toEqual([]);
  });

  it("sets aside at once what is no event", async () => {
    await start();
    const message = { id: newId(), subject: "events.agents.Odd", headers: {}, body: Uint8Array.of(1) };
    expect(await bus.publish([message])).toEqual({ complete: true });
    expect(await letters()).toMatchObject([{ id: message.id, error: "NoEvent", message }]);
  });

  it("gives back what it has not finished when it stops", async () => {
    const stopping = await start({ handler: () => Promise.reject(new Error("never")), attempts: 1_000 });
    const id = await record(db);
    relayed();
    await until(
      async () =>
        (
          await db
            .selectFrom("leases" as never)
            .selectAll()
            .execute()
        ).length === 1,
    );
    await stopping.stop();
    await start();
    await until(async () => (await effects()).length === 1);
    expect(await effects()).toEqual([id]);
  });
});
