import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { Kysely } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AgentSchema } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import {
  CreateAgentRequestSchema,
  CreateAgentResponseSchema,
} from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { systemClock } from "../../../services/kit/clock.js";
import { errorFacts } from "../../../services/kit/errors.js";
import { idempotent } from "../../../services/kit/idempotency/idempotent.js";
import { newId } from "../../../services/kit/ids.js";
import type { OutboxTables } from "../../../services/kit/outbox.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { emptyDatabase } from "../../support/database.js";
import { type EffectTables, effectSchema } from "../events/events.js";

describe("a call with an idempotency key", () => {
  let database: Database;
  let db: Kysely<EffectTables & OutboxTables>;
  beforeAll(async () => {
    database = await emptyDatabase();
    db = await effectSchema(database, "agents");
  });
  afterAll(() => database.end());
  beforeEach(() => db.deleteFrom("effects").execute());

  interface Call {
    key?: string | undefined;
    name?: string;
    tenant?: string;
    subject?: string;
    method?: string;
    failing?: boolean;
  }
  const call = ({
    key,
    name = "Ada",
    tenant = "t1",
    subject = "u1",
    method = "agents.Create",
    failing,
  }: Call) =>
    idempotent(
      db,
      {
        principal: { tenant, subject },
        method,
        key,
        request: {
          schema: CreateAgentRequestSchema,
          message: create(CreateAgentRequestSchema, { agent: create(AgentSchema, { name }) }),
        },
        response: CreateAgentResponseSchema,
        clock: systemClock,
      },
      async (trx) => {
        const id = newId();
        await trx.insertInto("effects").values({ event_id: id, aggregate_id: name, version: 1n }).execute();
        if (failing) throw new Error("after the effect");
        return create(CreateAgentResponseSchema, { agent: create(AgentSchema, { id, name }) });
      },
    );
  const effects = async () => (await db.selectFrom("effects").selectAll().execute()).length;

  it("has its effect once, and gets its first response again", async () => {
    const key = newId();
    const [first, second] = [await call({ key }), await call({ key })];
    expect([first.replayed, second.replayed]).toEqual([false, true]);
    expect(second.message).toEqual(first.message);
    expect(await effects()).toBe(1);
  });

  it("has its effect once when it comes many times at once", async () => {
    const key = newId();
    const results = await Promise.all(Array.from({ length: 10 }, () => call({ key })));
    expect(results.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(results.map(({ message }) => message.agent?.id)).size).toBe(1);
    expect(await effects()).toBe(1);
  });

  it("is refused with IDEMPOTENCY_KEY_REUSED when it asks for something else", async () => {
    const key = newId();
    await call({ key });
    const error = await call({ key, name: "Bob" }).catch((thrown: unknown) => thrown);
    expect(error instanceof ConnectError && errorFacts(error)).toMatchObject({
      reason: "IDEMPOTENCY_KEY_REUSED",
      spec: { http: 409, retryable: false },
    });
    expect(await effects()).toBe(1);
  });

  it.each([
    ["tenant", { tenant: "t2" }],
    ["principal", { subject: "u2" }],
    ["method", { method: "agents.Other" }],
  ])("is another call for another %s", async (_, other) => {
    const key = newId();
    await call({ key });
    expect((await call({ key, name: "Bob", ...other })).replayed).toBe(false);
    expect(await effects()).toBe(2);
  });

  it("leaves neither effect nor key when it fails, so that it may come again", async () => {
    const key = newId();
    await expect(call({ key, failing: true })).rejects.toThrow("after the effect");
    expect(await effects()).toBe(0);
    expect((await call({ key })).replayed).toBe(false);
    expect(await effects()).toBe(1);
  });

  it("is like any other without a key", async () => {
    await call({});
    await call({});
    expect(await effects()).toBe(2);
  });
});
