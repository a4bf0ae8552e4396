import type { Kysely } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RelayOptions } from "../../../services/kit/events/relay.js";
import { newId } from "../../../services/kit/ids.js";
import type { OutboxTables } from "../../../services/kit/outbox.js";
import { memoryBus } from "../../../services/kit/stores/bus/memory.js";
import type { Bus, BusMessage, Published } from "../../../services/kit/stores/bus/port.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { emptyDatabase } from "../../support/database.js";
import { type EffectTables, effectSchema, record, reporting, startRelay, until } from "./events.js";

describe("the relay", () => {
  let database: Database;
  let db: Kysely<EffectTables & OutboxTables>;
  beforeAll(async () => {
    database = await emptyDatabase();
    db = await effectSchema(database, "agents");
  });
  afterAll(() => database.end());
  beforeEach(() => db.deleteFrom("outbox").execute());

  const start = (over: Partial<RelayOptions<OutboxTables>> = {}) =>
    startRelay({ db, bus: memoryBus(), workload: "agents", idleMs: 10, ...reporting(), ...over });
  const pending = async () =>
    (await db.selectFrom("outbox").select("id").where("published_at", "is", null).execute()).length;

  it("publishes every event once, in batches, in the order of recording", async () => {
    const { bus, batches } = recordingBus();
    const ids: string[] = [];
    for (let version = 1n; version <= 7n; version++) ids.push(await record(db, "a", version));
    const relay = start({ bus, batch: 3 });
    await until(async () => (await pending()) === 0);
    await relay.stop();
    expect(batches.flat().map(({ id }) => id)).toEqual(ids);
    expect(batches.map(({ length }) => length)).toEqual([3, 3, 1]);
  });

  it("publishes an event as a CloudEvent under its domain", async () => {
    const { bus, batches } = recordingBus();
    const id = await record(db, "a 1", 1n, "tenant ü");
    const relay = start({ bus });
    await until(() => batches.length === 1);
    await relay.stop();
    expect(batches[0]?.[0]).toMatchObject({
      id,
      subject: "events.agents.AgentDeleted",
      headers: {
        "ce-specversion": "1.0",
        "ce-id": id,
        "ce-type": "consciousness.agents.v1.AgentDeleted",
        "ce-source": "/consciousness/agents",
        "ce-subject": "a%201",
        "ce-tenantid": "tenant%20%C3%BC",
        "ce-aggregateversion": "1",
        "content-type": "application/protobuf",
      },
    });
  });

  it("keeps what the bus did not take, says so, and goes on from there once it does", async () => {
    const { bus, batches, answers } = recordingBus();
    const refusal = new Error("the bus is full");
    answers.push({ complete: false, accepted: 1, error: refusal });
    const ids = [await record(db), await record(db), await record(db)];
    const { lines, ...report } = reporting();
    const relay = start({ bus, ...report });
    await until(async () => (await pending()) === 0);
    expect(batches.map((batch) => batch.map(({ id }) => id))).toEqual([ids, ids.slice(1)]);
    await until(() => lines.length === 2);
    expect(lines.map(({ message }) => message)).toEqual(["events wait", "events leave again"]);
    await relay.stop();
  });

  it("degrades readiness while events cannot leave, and loses none", async () => {
    const { bus, answers } = recordingBus();
    answers.push(
      ...Array.from({ length: 3 }, () => ({ complete: false, accepted: 0, error: new Error("away") })),
    );
    await record(db);
    const relay = start({ bus });
    expect(relay.dependency).toMatchObject({ name: "events", degrades: true });
    await until(() =>
      relay.dependency.check(AbortSignal.timeout(1_000)).then(
        () => false,
        () => true,
      ),
    );
    await until(async () => (await pending()) === 0);
    await relay.dependency.check(AbortSignal.timeout(1_000));
    await relay.stop();
  });

  it("is one of many: another takes over only when the first has stopped", async () => {
    const [first, second] = [recordingBus(), recordingBus()];
    const active = start({ bus: first.bus });
    await record(db);
    await until(() => first.batches.length === 1);
    const standby = start({ bus: second.bus });
    for (let more = 0; more < 5; more++) await record(db);
    await until(async () => (await pending()) === 0);
    expect(second.batches).toEqual([]);
    await active.stop();
    await record(db);
    await until(() => second.batches.length === 1);
    await standby.stop();
  });

  it("takes over from one that was killed once its lease has ended", async () => {
    const killed = start({
      bus: { ...memoryBus(), publish: () => new Promise(() => undefined) },
      leaseMs: 300,
    });
    await record(db);
    await until(
      async () =>
        (
          await db
            .selectFrom("leases" as never)
            .selectAll()
            .execute()
        ).length === 1,
    );
    const { bus, batches } = recordingBus();
    const next = start({ bus });
    await until(() => batches.length === 1);
    await next.stop();
    expect(killed).toBeDefined();
  });

  it("measures how many events wait and for how long", async () => {
    const { metrics, log, clock } = reporting();
    const away: Bus = {
      ...memoryBus(),
      publish: async () => ({ complete: false, accepted: 0, error: new Error("away") }),
    };
    await record(db, newId());
    await record(db, newId());
    const late = { now: () => clock.now() + 60_000, monotonic: clock.monotonic };
    const relay = start({ bus: away, metrics, log, clock: late });
    await until(async () =>
      (await metrics.expose()).body.includes('outbox_pending_events{workload="agents"} 2'),
    );
    const { body } = await metrics.expose();
    const age = Number(/outbox_oldest_age_seconds\{workload="agents"\} (\S+)/.exec(body)?.[1]);
    expect(age).toBeGreaterThan(59);
    await relay.stop();
  });
});

/** A bus that takes everything, but for prepared answers, and keeps what it was given. */
function recordingBus() {
  const batches: (readonly BusMessage[])[] = [];
  const answers: Published[] = [];
  const bus: Bus = {
    ...memoryBus(),
    publish: async (messages) => {
      batches.push(messages);
      return answers.shift() ?? { complete: true };
    },
  };
  return { bus, batches, answers };
}
