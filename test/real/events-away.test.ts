import { setTimeout as delay } from "node:timers/promises";
import type { Kysely } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { deadLetters } from "../../services/cli/commands/dead-letters.js";
import type { Consumer } from "../../services/kit/events/consumer.js";
import { type ConsumeOptions, consume } from "../../services/kit/events/inbox.js";
import type { Relay } from "../../services/kit/events/relay.js";
import { newId } from "../../services/kit/ids.js";
import type { OutboxTables } from "../../services/kit/outbox.js";
import { type NatsBus, natsBus } from "../../services/kit/stores/bus/nats.js";
import { openPglite } from "../../services/kit/stores/database/pglite.js";
import type { Database } from "../../services/kit/stores/database/port.js";
import {
  type EffectTables,
  effectSchema,
  record,
  reporting,
  startRelay,
  until,
} from "../kit/events/events.js";
import { natsInstalled, startNats } from "./servers/nats.js";
import type { Server } from "./servers/server.js";

type Tables = EffectTables & OutboxTables;

const awayMs = 8_000;

describe.skipIf(!natsInstalled)("events while NATS is away", () => {
  let server: Server;
  let database: Database;
  let db: Kysely<Tables>;
  let bus: NatsBus;
  let relay: Relay | undefined;
  let consumer: Consumer | undefined;
  beforeAll(async () => {
    database = await openPglite();
    db = await effectSchema(database, "agents");
  });
  afterAll(() => database?.end());
  beforeEach(async () => {
    server = await startNats();
    bus = await natsBus({ servers: [`nats://127.0.0.1:${server.port}`], publishMs: 1_000 });
    await until(() =>
      bus.ping().then(
        () => true,
        () => false,
      ),
    );
    for (const table of ["outbox", "effects", "inbox", "leases"] as const) {
      await db.deleteFrom(table as "outbox").execute();
    }
  });
  afterEach(async () => {
    await Promise.all([relay?.stop(), consumer?.stop()]);
    await bus.close();
    await server.stop();
  });

  const begin = async (over: Partial<ConsumeOptions<Tables>> = {}) => {
    relay = startRelay({ db, bus, workload: "agents", idleMs: 10, ...reporting() });
    consumer = await consume<Tables>({
      db,
      bus,
      name: "reader",
      subject: "events.agents.>",
      deadLetters: bus.deadLetters,
      ackWaitMs: 3_000,
      attempts: 2,
      retryMs: 5,
      handler: async (trx, { id, aggregateId, version }) => {
        await trx
          .insertInto("effects")
          .values({ event_id: id, aggregate_id: aggregateId, version })
          .execute();
      },
      ...reporting(),
      ...over,
    });
  };
  const effects = async () =>
    (await db.selectFrom("effects").selectAll().execute()).map((row) => row.event_id);
  const fromCommandLine = async (args: readonly string[]) => {
    const texts: string[] = [];
    const output = { write: (text: string) => texts.push(text) };
    const environment = { NATS_URL: `nats://127.0.0.1:${server.port}` };
    expect(await deadLetters({ args, environment, output, problems: process.stderr })).toBe(0);
    return texts.join("");
  };
  const degraded = () =>
    relay!.dependency.check(AbortSignal.timeout(2_000)).then(
      () => false,
      () => true,
    );

  it.each([
    ["killed", (of: Server) => of.kill(), (of: Server) => of.restart()],
    ["hung", async (of: Server) => of.hang(), async (of: Server) => of.resume()],
  ])(
    "wait in the outbox while it is %s, say so, keep memory flat, and arrive once it is back",
    async (_, stop, start) => {
      await begin();
      const ids = [await record(db)];
      await until(async () => (await effects()).length === 1);
      await stop(server);
      await until(degraded);
      const before = process.memoryUsage().rss;
      for (const end = Date.now() + awayMs; Date.now() < end; await delay(10)) ids.push(await record(db));
      expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
      expect(await degraded()).toBe(true);
      await start(server);
      const returned = Date.now();
      await until(async () => (await effects()).length >= ids.length, 60_000);
      process.stderr.write(`${ids.length} events arrived ${Date.now() - returned} ms after NATS was back\n`);
      expect((await effects()).sort()).toEqual(ids.sort());
      expect(await degraded()).toBe(false);
    },
  );

  it("go to a dead-letter subject when they are poison, and are applied when replayed", async () => {
    const poison = newId();
    let broken = true;
    await begin({
      handler: async (trx, { id, aggregateId, version }) => {
        if (broken && aggregateId === poison) throw new TypeError("cannot");
        await trx
          .insertInto("effects")
          .values({ event_id: id, aggregate_id: aggregateId, version })
          .execute();
      },
    });
    const [poisoned, healthy] = [await record(db, poison, 1n, "tenant ü"), await record(db)];
    const query = { consumer: "reader", limit: 10 };
    await until(async () => (await bus.deadLetters.list(query)).length === 1);
    const [letter] = await bus.deadLetters.list(query);
    expect(letter).toMatchObject({ consumer: "reader", id: poisoned, error: "TypeError", attempts: 1 });
    expect(letter?.message).toMatchObject({ id: poisoned, subject: "events.agents.AgentDeleted" });
    expect(await bus.deadLetters.list({ ...query, consumer: "nobody" })).toEqual([]);
    expect(await effects()).toEqual([healthy]);
    const listed = JSON.parse(await fromCommandLine(["list", "reader"]));
    expect(listed).toMatchObject({
      id: poisoned,
      type: "consciousness.agents.v1.AgentDeleted",
      error: "TypeError",
    });
    expect(await fromCommandLine(["replay", "reader", "--id", newId()])).toBe("0 replayed\n");

    expect(await bus.deadLetters.replay(query)).toBe(1);
    await until(async () => {
      const [again] = await bus.deadLetters.list(query);
      return again !== undefined && again.message.id !== letter?.message.id;
    });
    broken = false;
    expect(await fromCommandLine(["replay", "reader", "--id", poisoned])).toBe("1 replayed\n");
    await until(async () => (await effects()).length === 2);
    expect(await bus.deadLetters.list(query)).toEqual([]);
  });
});
