import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { type Kysely, sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  GetDecisionRequestSchema,
  ProcessRequestSchema,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { systemClock } from "../../../services/kit/clock.js";
import { type Keep, reserved } from "../../../services/kit/idempotency/reserved.js";
import { newId } from "../../../services/kit/ids.js";
import type { OutboxTables } from "../../../services/kit/outbox.js";
import { transaction } from "../../../services/kit/stores/database/kysely.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { emptyDatabase } from "../../support/database.js";
import { expectRefusal } from "../chain/calls.js";
import { type EffectTables, effectSchema } from "../events/events.js";

type Tables = EffectTables & OutboxTables;

describe("a long call with an idempotency key", () => {
  let database: Database;
  let db: Kysely<Tables>;
  beforeAll(async () => {
    database = await emptyDatabase();
    db = await effectSchema(database, "engine");
  });
  afterAll(() => database.end());
  beforeEach(() => db.deleteFrom("effects").execute());

  const effects = async () => (await db.selectFrom("effects").selectAll().execute()).length;
  const finish = async (keep: Keep<Tables, typeof GetDecisionRequestSchema>) => {
    const id = newId();
    await transaction(db, async (trx) => {
      await trx.insertInto("effects").values({ event_id: id, aggregate_id: "one", version: 1n }).execute();
      await keep(trx, create(GetDecisionRequestSchema, { id }));
    });
    return { id, replayed: false };
  };
  const call = (key: string, { input = "question", holdMs = 60_000, subject = "u1", make = finish } = {}) =>
    reserved(
      db,
      {
        principal: { tenant: "t1", subject },
        method: "engine.Process",
        key,
        request: { schema: ProcessRequestSchema, message: create(ProcessRequestSchema, { input }) },
        kept: GetDecisionRequestSchema,
        holdMs,
        clock: systemClock,
      },
      { make, recall: async ({ id }) => ({ id, replayed: true }) },
    );
  /** A call that waits, as for a provider, until it is told to finish. */
  const waiting = async (key: string, holdMs?: number) => {
    let goOn = (_: "finish" | "fail") => {};
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const told = new Promise<"finish" | "fail">((resolve) => {
      goOn = resolve;
    });
    const result = call(key, {
      ...(holdMs !== undefined && { holdMs }),
      async make(keep) {
        begin();
        if ((await told) === "fail") throw new Error("the provider failed");
        return finish(keep);
      },
    });
    result.catch(() => undefined);
    await begun;
    return { result, goOn };
  };

  it("has its effect once, and its result is told again", async () => {
    const key = newId();
    const first = await call(key);
    expect(await call(key)).toEqual({ id: first.id, replayed: true });
    expect(await effects()).toBe(1);
  });

  it("holds no transaction while it is made", async () => {
    const { result, goOn } = await waiting(newId());
    // The embedded database has one connection, which an open transaction would keep.
    expect(await effects()).toBe(0);
    goOn("finish");
    expect((await result).replayed).toBe(false);
  });

  it("is refused with IDEMPOTENCY_KEY_IN_USE while the first is in progress, and answered after it", async () => {
    const key = newId();
    const { result, goOn } = await waiting(key);
    const error = await expectRefusal(call(key), Code.Aborted, "IDEMPOTENCY_KEY_IN_USE");
    expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1n);
    goOn("finish");
    const { id } = await result;
    expect(await call(key)).toEqual({ id, replayed: true });
    expect(await effects()).toBe(1);
  });

  it("is refused with IDEMPOTENCY_KEY_REUSED when it asks for something else, in progress or done", async () => {
    const key = newId();
    const { result, goOn } = await waiting(key);
    await expectRefusal(call(key, { input: "another" }), Code.Aborted, "IDEMPOTENCY_KEY_REUSED");
    goOn("finish");
    await result;
    await expectRefusal(call(key, { input: "another" }), Code.Aborted, "IDEMPOTENCY_KEY_REUSED");
    expect(await effects()).toBe(1);
  });

  it("is another call for another principal", async () => {
    const key = newId();
    await call(key);
    expect((await call(key, { subject: "u2" })).replayed).toBe(false);
  });

  it("leaves the key free when it fails", async () => {
    const key = newId();
    const { result, goOn } = await waiting(key);
    goOn("fail");
    await expect(result).rejects.toThrow("the provider failed");
    expect((await call(key)).replayed).toBe(false);
    expect(await effects()).toBe(1);
  });

  it("is taken over when its process is gone, and has no effect should it come back", async () => {
    const key = newId();
    const lost = await waiting(key);
    await expectRefusal(call(key), Code.Aborted, "IDEMPOTENCY_KEY_IN_USE");
    await sql`update engine.idempotency_keys set held_until = now() - interval '1 second' where key = ${key}`.execute(
      db,
    );
    const second = await call(key);
    expect(second.replayed).toBe(false);
    lost.goOn("finish");
    await expectRefusal(lost.result, Code.Aborted, "IDEMPOTENCY_KEY_IN_USE");
    expect(await call(key)).toEqual({ id: second.id, replayed: true });
    expect(await effects()).toBe(1);
  });

  it("begins once of many at once", async () => {
    const key = newId();
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => call(key)));
    expect(results.some((one) => one.status === "fulfilled" && !one.value.replayed)).toBe(true);
    expect(await effects()).toBe(1);
  });
});
