import { create } from "@bufbuild/protobuf";
import { anyUnpack, timestampDate } from "@bufbuild/protobuf/wkt";
import { type Context, type ContextManager, context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentDeletedSchema } from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import type { Clock } from "../../services/kit/clock.js";
import { newId } from "../../services/kit/ids.js";
import { type Aggregate, readEvents, recordEvent } from "../../services/kit/outbox.js";
import { openSchema, transaction, violatedConstraint } from "../../services/kit/stores/database/kysely.js";
import { migrate } from "../../services/kit/stores/database/migrate.js";
import type { Database } from "../../services/kit/stores/database/port.js";
import { emptyDatabase } from "../support/database.js";

interface Tables {
  thing: { id: string; name: string };
}

const clock: Clock = { now: () => 1_700_000_000_123, monotonic: () => 0 };
const call = { requestId: "request-1", principal: undefined };

describe("outbox", () => {
  let database: Database;
  beforeAll(async () => {
    database = await emptyDatabase();
    const migrations = [
      { name: "0001_thing.sql", sql: "create table thing (id uuid primary key, name text not null)" },
    ];
    await migrate(database, { schema: "things", migrations });
  });
  afterAll(() => database.end());

  const db = () => openSchema<Tables>(database, "things");
  const aggregate = (id: string, version = 1n): Aggregate => ({ type: "thing", id, version });
  const deleted = (agentId: string) => ({
    schema: AgentDeletedSchema,
    message: create(AgentDeletedSchema, { agentId }),
  });

  it("keeps a row and its event together, and reads the event back whole", async () => {
    const id = newId();
    const eventId = await transaction(db(), async (trx) => {
      await trx.insertInto("thing").values({ id, name: "a" }).execute();
      return recordEvent(trx, {
        call,
        clock,
        tenant: "t1",
        aggregate: aggregate(id),
        payload: deleted(id),
        actor: "ada",
      });
    });
    const [event, ...others] = await readEvents(db(), { aggregate: { type: "thing", id }, limit: 10 });
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      id: eventId,
      tenantId: "t1",
      aggregateType: "thing",
      aggregateId: id,
      version: 1n,
      actor: "ada",
      causationId: "request-1",
      traceParent: "",
      keyId: "",
    });
    expect(event?.time && timestampDate(event.time).getTime()).toBe(clock.now());
    expect(event?.payload && anyUnpack(event.payload, AgentDeletedSchema)?.agentId).toBe(id);
  });

  it("leaves neither row nor event when the transaction throws", async () => {
    const id = newId();
    const work = transaction(db(), async (trx) => {
      await trx.insertInto("thing").values({ id, name: "b" }).execute();
      await recordEvent(trx, { call, clock, tenant: "t1", aggregate: aggregate(id), payload: deleted(id) });
      throw new Error("changed my mind");
    });
    await expect(work).rejects.toThrow("changed my mind");
    expect(await db().selectFrom("thing").where("id", "=", id).selectAll().execute()).toEqual([]);
    expect(await readEvents(db(), { aggregate: { type: "thing", id }, limit: 1 })).toEqual([]);
  });

  it("rejects a second event of one version, and with it the change", async () => {
    const id = newId();
    const record = { call, clock, tenant: "t1", aggregate: aggregate(id), payload: deleted(id) };
    await transaction(db(), (trx) => recordEvent(trx, record));
    const second = transaction(db(), async (trx) => {
      await trx.insertInto("thing").values({ id, name: "c" }).execute();
      await recordEvent(trx, record);
    });
    const error = await second.catch((cause: unknown) => cause);
    expect(violatedConstraint(error)).toMatch(/^outbox_\d{4}_\d{2}_once$/);
    expect(await db().selectFrom("thing").where("id", "=", id).selectAll().execute()).toEqual([]);
    expect(await readEvents(db(), { aggregate: { type: "thing", id }, limit: 10 })).toHaveLength(1);
  });

  it("names the span in which it is recorded", async () => {
    const id = newId();
    const spanContext = {
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      spanId: "00f067aa0ba902b7",
      traceFlags: 1,
    };
    const active = trace.setSpanContext(ROOT_CONTEXT, spanContext);
    context.setGlobalContextManager(fixedContext(active));
    const record = { call, clock, tenant: "t1", aggregate: aggregate(id), payload: deleted(id) };
    await transaction(db(), (trx) => recordEvent(trx, record)).finally(() => context.disable());
    const [event] = await readEvents(db(), { aggregate: { type: "thing", id }, limit: 1 });
    expect(event?.traceParent).toBe("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  });

  it("tells whoever hears of it that nobody records the trace, where its call is sampled out", async () => {
    const id = newId();
    const sampledOut = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    const cause = { ...call, sampledOut };
    const record = { call: cause, clock, tenant: "t1", aggregate: aggregate(id), payload: deleted(id) };
    await transaction(db(), (trx) => recordEvent(trx, record));
    const [event] = await readEvents(db(), { aggregate: { type: "thing", id }, limit: 1 });
    expect(event?.traceParent).toBe(sampledOut);
  });

  it("pages through events in the order of recording", async () => {
    const id = newId();
    for (const version of [1n, 2n, 3n]) {
      const record = { call, clock, tenant: "t1", aggregate: aggregate(id, version), payload: deleted(id) };
      await transaction(db(), (trx) => recordEvent(trx, record));
    }
    const query = { aggregate: { type: "thing", id } };
    const [first] = await readEvents(db(), { ...query, limit: 1 });
    const rest = await readEvents(db(), { ...query, afterId: first?.id ?? "", limit: 10 });
    expect([first, ...rest].map((event) => event?.version)).toEqual([1n, 2n, 3n]);
  });
});

function fixedContext(active: Context): ContextManager {
  const manager: ContextManager = {
    active: () => active,
    with: (_, work, self, ...args) => work.apply(self as never, args),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
