import { ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { type Kysely, type PostgresPoolClient, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorFacts } from "../../../services/kit/errors.js";
import { newId } from "../../../services/kit/ids.js";
import type { OutboxTables } from "../../../services/kit/outbox.js";
import {
  openSchema,
  transaction,
  violatedConstraint,
  withNext,
} from "../../../services/kit/stores/database/kysely.js";
import { migrate } from "../../../services/kit/stores/database/migrate.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { defaultRetry } from "../../../services/kit/stores/database/retry.js";

interface Tables {
  counter: { id: string; value: bigint };
  sample: { id: string; i: bigint; n: string; d: string; t: Date; j: unknown; b: Uint8Array };
}

const migrations = [
  {
    name: "0001_counter.sql",
    sql: `create table counter (id text primary key, value bigint not null constraint counter_positive check (value >= 0));
          create table sample (id uuid primary key, i bigint, n numeric, d date, t timestamptz, j jsonb, b bytea)`,
  },
];

/** How a test asks for a database. */
export interface ContractOptions {
  readonly queueLimit: number;
  readonly waitMs: number;
}

/** What every adapter keeps to: each runs this with a database of its own that has `size` connections. */
export function databaseContract(
  name: string,
  { open, size }: { open: (options: ContractOptions) => Promise<Database>; size: number },
): void {
  describe(name, () => {
    let database: Database;
    let db: Kysely<Tables & OutboxTables>;
    beforeAll(async () => {
      database = await open({ queueLimit: 50, waitMs: 4000 });
      await migrate(database, { schema: "kit", migrations });
      db = openSchema<Tables>(database, "kit");
    });
    afterAll(() => database.end());

    const withClient = async <R>(work: (client: PostgresPoolClient) => Promise<R>): Promise<R> => {
      const client = await database.connect();
      try {
        return await work(client);
      } finally {
        client.release();
      }
    };
    const holdAll = () => Promise.all(Array.from({ length: size }, () => database.connect()));
    const counterValue = async (id: string) =>
      (await db.selectFrom("counter").where("id", "=", id).select("value").executeTakeFirst())?.value;

    it("keeps transactions apart, so that concurrent increments of a locked row all count", async () => {
      const turns = fc.array(fc.record({ pauses: fc.nat(3), fails: fc.boolean() }), {
        minLength: 1,
        maxLength: 20,
      });
      const property = fc.asyncProperty(turns, async (plan) => {
        const id = newId();
        await db.insertInto("counter").values({ id, value: 0n }).execute();
        const increment = ({ pauses, fails }: { pauses: number; fails: boolean }) =>
          transaction(db, async (trx) => {
            const { value } = await trx
              .selectFrom("counter")
              .where("id", "=", id)
              .select("value")
              .forUpdate()
              .executeTakeFirstOrThrow();
            for (let i = 0; i < pauses; i++) await sql`select 1`.execute(trx);
            await trx
              .updateTable("counter")
              .where("id", "=", id)
              .set({ value: value + 1n })
              .execute();
            if (fails) throw new Error("fails");
          });
        await Promise.allSettled(plan.map(increment));
        expect(await counterValue(id)).toBe(BigInt(plan.filter(({ fails }) => !fails).length));
      });
      await fc.assert(property, { numRuns: 25 });
    });

    it("rolls back what a client leaves open", async () => {
      const id = newId();
      await withClient(async (client) => {
        await client.query("begin", []);
        await client.query("insert into kit.counter values ($1, 1)", [id]);
      });
      expect(await counterValue(id)).toBeUndefined();
    });

    it("rolls back what a client leaves open while its last query still runs", async () => {
      const id = newId();
      const client = await database.connect();
      await client.query("begin", []);
      const late = client.query("insert into kit.counter values ($1, 1)", [id]);
      client.release();
      await late;
      expect(await counterValue(id)).toBeUndefined();
    });

    it("rolls back what a failed script leaves open", async () => {
      const id = newId();
      await withClient(async (client) => {
        await expect(client.query("begin; select nothing", [])).rejects.toThrow();
      });
      await db.insertInto("counter").values({ id, value: 1n }).execute();
      expect(await counterValue(id)).toBe(1n);
    });

    it("keeps the outer transaction when a savepoint is rolled back", async () => {
      const id = newId();
      await withClient(async (client) => {
        await client.query("begin", []);
        await client.query("savepoint s", []);
        await client.query("insert into kit.counter values ($1, 1)", [id]);
        await client.query("rollback to savepoint s", []);
        await client.query("insert into kit.counter values ($1, 2)", [id]);
        await client.query("commit", []);
      });
      expect(await counterValue(id)).toBe(2n);
    });

    it("rejects a commit that would silently roll back", async () => {
      const id = newId();
      const work = transaction(db, async (trx) => {
        await trx.insertInto("counter").values({ id, value: 1n }).execute();
        await trx
          .insertInto("counter")
          .values({ id, value: 1n })
          .execute()
          .catch(() => undefined);
      });
      await expect(work).rejects.toSatisfy(reasonIs("INTERNAL"));
      expect(await counterValue(id)).toBeUndefined();
    });

    describe("a statement that is sent with the next", () => {
      const later = (trx: Kysely<Tables & OutboxTables>, id: string, value: bigint) =>
        trx.insertInto("counter").values({ id, value }).modifyEnd(withNext).execute();
      const stored = (from: Kysely<Tables & OutboxTables>, id: string) =>
        from.selectFrom("counter").select("value").where("id", "=", id).executeTakeFirst();

      it("is there for the next, and after the commit", async () => {
        const id = newId();
        await transaction(db, async (trx) => {
          await later(trx, id, 1n);
          expect(await stored(trx, id)).toEqual({ value: 1n });
          await later(trx, `${id} too`, 2n);
        });
        expect(await stored(db, id)).toEqual({ value: 1n });
        expect(await stored(db, `${id} too`)).toEqual({ value: 2n });
      });

      it("fails the transaction as itself, which keeps nothing", async () => {
        const id = newId();
        const failing = transaction(db, async (trx) => {
          await trx.insertInto("counter").values({ id, value: 1n }).execute();
          await later(trx, `${id} too`, -1n);
        });
        const error = await failing.catch((thrown: unknown) => thrown);
        expect(violatedConstraint(error)).toBe("counter_positive");
        expect(await stored(db, id)).toBeUndefined();
      });

      it("fails the next statement, when there is one", async () => {
        let reached = false;
        const failing = transaction(db, async (trx) => {
          await later(trx, newId(), -1n);
          await stored(trx, "none");
          reached = true;
        });
        expect(violatedConstraint(await failing.catch((thrown: unknown) => thrown))).toBe("counter_positive");
        expect(reached).toBe(false);
      });

      it("is undone with the rest when the work fails", async () => {
        const id = newId();
        const failing = transaction(db, async (trx) => {
          await later(trx, id, 1n);
          throw new Error("the work failed");
        });
        await expect(failing).rejects.toThrow("the work failed");
        expect(await stored(db, id)).toBeUndefined();
        expect(await transaction(db, async (trx) => stored(trx, id))).toBeUndefined();
      });
    });

    it("rolls back a transaction that takes longer than its bound, and gives its connection back", async () => {
      const id = newId();
      const late = transaction(
        db,
        async (trx) => {
          await trx.insertInto("counter").values({ id, value: 1n }).execute();
          await new Promise(() => undefined);
        },
        { ...defaultRetry, boundMs: 50 },
      );
      await expect(late).rejects.toSatisfy(reasonIs("DEPENDENCY_UNAVAILABLE"));
      for (const holder of await holdAll()) holder.release();
      expect(await counterValue(id)).toBeUndefined();
    });

    it("rejects queries of a released client", async () => {
      const client = await database.connect();
      client.release();
      client.release();
      await expect(client.query("select 1", [])).rejects.toSatisfy(reasonIs("INTERNAL"));
    });

    it("reads each type as the port says", async () => {
      const row = {
        id: newId(),
        i: 7n,
        n: "1.50",
        d: "2024-02-29",
        t: new Date("2024-02-29T12:34:56.789Z"),
        j: { a: [1, null] },
        b: new Uint8Array([0, 255]),
      };
      await db
        .insertInto("sample")
        .values({ ...row, j: JSON.stringify(row.j) })
        .execute();
      expect(await db.selectFrom("sample").where("id", "=", row.id).selectAll().executeTakeFirst()).toEqual(
        row,
      );
      const counted = await db
        .selectFrom("sample")
        .select(({ fn }) => fn.countAll<bigint>().as("n"))
        .executeTakeFirst();
      expect(typeof counted?.n).toBe("bigint");
    });

    it("counts the rows that a statement changed", async () => {
      const prefix = newId();
      await db
        .insertInto("counter")
        .values([1, 2, 3].map((n) => ({ id: `${prefix}${n}`, value: 1n })))
        .execute();
      const updated = await db
        .updateTable("counter")
        .where("id", "like", `${prefix}%`)
        .set({ value: 5n })
        .executeTakeFirst();
      expect(updated.numUpdatedRows).toBe(3n);
      const deleted = await db.deleteFrom("counter").where("id", "like", `${prefix}%`).executeTakeFirst();
      expect(deleted.numDeletedRows).toBe(3n);
      const none = await db.deleteFrom("counter").where("id", "like", `${prefix}%`).executeTakeFirst();
      expect(none.numDeletedRows).toBe(0n);
    });

    it("names the constraint that a statement broke, and none for other errors", async () => {
      const id = newId();
      const insert = (value: bigint) => db.insertInto("counter").values({ id, value }).execute();
      await insert(1n);
      expect(violatedConstraint(await failure(insert(1n)))).toBe("counter_pkey");
      expect(
        violatedConstraint(
          await failure(db.insertInto("counter").values({ id: newId(), value: -1n }).execute()),
        ),
      ).toBe("counter_positive");
      expect(violatedConstraint(await failure(sql`select nothing`.execute(db)))).toBeUndefined();
      expect(violatedConstraint("no error")).toBeUndefined();
    });

    it("refuses one more than may wait, and serves those who do", async () => {
      const holders = await holdAll();
      const waiting = Array.from({ length: 50 }, () => withClient((client) => client.query("select 1", [])));
      await expect(database.connect()).rejects.toSatisfy(reasonIs("OVERLOADED"));
      for (const holder of holders) holder.release();
      expect(await Promise.all(waiting)).toHaveLength(50);
    });

    it("stops waiting for the connection when the signal aborts, and keeps the turn of others", async () => {
      const holders = await holdAll();
      const abort = new AbortController();
      const ping = database.ping(abort.signal);
      const next = database.ping();
      abort.abort();
      await expect(ping).rejects.toSatisfy(reasonIs("DEPENDENCY_UNAVAILABLE"));
      await expect(database.ping(abort.signal)).rejects.toSatisfy(reasonIs("DEPENDENCY_UNAVAILABLE"));
      for (const holder of holders) holder.release();
      await next;
    });
  });
}

export function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail("should have rejected"),
    (error: unknown) => error,
  );
}

export function reasonIs(reason: string) {
  return (error: unknown) => error instanceof ConnectError && errorFacts(error)?.reason === reason;
}
