import { type Kysely, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../services/kit/ids.js";
import type { OutboxTables } from "../../services/kit/outbox.js";
import { openSchema, transaction } from "../../services/kit/stores/database/kysely.js";
import { migrate } from "../../services/kit/stores/database/migrate.js";
import type { Database } from "../../services/kit/stores/database/port.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { defaultRetry } from "../../services/kit/stores/database/retry.js";
import { failure } from "../kit/stores/database-contract.js";
import { selfSigned } from "../support/certificate.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";

interface Tables {
  thing: { id: string; n: number };
}

const migrations = [{ name: "0001_thing.sql", sql: "create table thing (id uuid primary key, n int)" }];

describe.skipIf(!postgresInstalled)("PostgreSQL", () => {
  let server: PostgresServer;
  let tls: { key: string; cert: string };
  let database: Database;
  let db: Kysely<Tables & OutboxTables>;
  beforeAll(async () => {
    tls = await selfSigned();
    server = await startPostgres({ tls });
    await server.run("alter system set deadlock_timeout = '100ms'");
    await server.run("select pg_reload_conf()");
    const address = server.address(await server.createDatabase());
    database = openPostgres({ address, replica: address, applicationName: "transactions", poolSize: 4 });
    await migrate(database, { schema: "things", migrations });
    db = openSchema<Tables>(database, "things");
  });
  afterAll(async () => {
    await database?.end();
    await server?.remove();
  });

  const newThing = async () => {
    const id = newId();
    await db.insertInto("thing").values({ id, n: 0 }).execute();
    return id;
  };
  const numberOf = async (id: string) =>
    (await db.selectFrom("thing").where("id", "=", id).select("n").executeTakeFirst())?.n;

  it("runs the loser of a deadlock again, so that both transactions hold", async () => {
    const [a, b] = [await newThing(), await newThing()];
    let runs = 0;
    let arrived = 0;
    let bothHold = () => {};
    const together = new Promise<void>((resolve) => {
      bothHold = resolve;
    });
    const crossing = (first: string, second: string) =>
      transaction(db, async (trx) => {
        runs++;
        const increment = (id: string) =>
          trx
            .updateTable("thing")
            .where("id", "=", id)
            .set(({ eb }) => ({ n: eb("n", "+", 1) }))
            .execute();
        await increment(first);
        if (++arrived === 2) bothHold();
        await together;
        await increment(second);
      });
    await Promise.all([crossing(a, b), crossing(b, a)]);
    expect(runs).toBe(3);
    expect([await numberOf(a), await numberOf(b)]).toEqual([2, 2]);
  });

  it("runs a transaction with a serialization failure again, five times at most", async () => {
    let runs = 0;
    const work = transaction(
      db,
      async (trx) => {
        runs++;
        await sql`do $$ begin raise exception 'no luck' using errcode = '40001'; end $$`.execute(trx);
      },
      { ...defaultRetry, pause: async () => undefined },
    );
    expect(await failure(work)).toMatchObject({ code: "40001" });
    expect(runs).toBe(5);
  });

  it("survives a migration that changes the columns of prepared statements", async () => {
    const id = await newThing();
    const all = () => db.selectFrom("thing").where("id", "=", id).selectAll().executeTakeFirst();
    const within = () =>
      transaction(db, (trx) => trx.selectFrom("thing").where("id", "=", id).selectAll().executeTakeFirst());
    for (let i = 0; i < 8; i++) await Promise.all([all(), within()]);
    const client = await database.connect();
    await client.query("alter table things.thing add column extra int", []);
    client.release();
    const rows = await Promise.all([all(), within(), all(), within(), all(), within()]);
    expect(rows).toEqual(rows.map(() => ({ id, n: 0, extra: null })));
  });

  it("prepares statements that come again, and reuses them", async () => {
    const id = await newThing();
    for (let i = 0; i < 20; i++) await numberOf(id);
    const { rows } = await sql<{ uses: bigint }>`
      select generic_plans + custom_plans as uses from pg_prepared_statements
      where statement like '%thing%' and not from_sql`.execute(db);
    expect(rows.some(({ uses }) => uses > 1n)).toBe(true);
  });

  it("is at read committed", async () => {
    const level = () => sql<{ level: string }>`select current_setting('transaction_isolation') as level`;
    const { rows } = await transaction(db, (trx) => level().execute(trx));
    expect(rows).toEqual([{ level: "read committed" }]);
  });

  it("has a replica that reads and refuses to write", async () => {
    const id = await newThing();
    const { replica } = database;
    if (!replica) return expect.fail("no replica");
    const copy = openSchema<Tables>(replica, "things");
    const row = await copy.selectFrom("thing").where("id", "=", id).select("n").executeTakeFirst();
    expect(row).toEqual({ n: 0 });
    await failure(copy.insertInto("thing").values({ id: newId(), n: 0 }).execute());
    await failure(transaction(copy, (trx) => trx.deleteFrom("thing").execute()));
    expect(await numberOf(id)).toBe(0);
  });

  describe("over TLS", () => {
    const connect = async (host: string, ca: string | undefined) => {
      const address = { ...server.address(), host, tls: true };
      const over = openPostgres({ address, ca, applicationName: "tls", poolSize: 1 });
      try {
        const client = await over.connect();
        const encrypted = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        const { rows } = await client.query(encrypted, []).finally(() => client.release());
        return rows;
      } finally {
        await over.end();
      }
    };
    const causeOf = async (work: Promise<unknown>) => ((await failure(work)) as Error).cause;

    it("connects to a server whose certificate is trusted and names its host", async () => {
      expect(await connect("127.0.0.1", tls.cert)).toEqual([{ ssl: true }]);
      expect(await connect("localhost", tls.cert)).toEqual([{ ssl: true }]);
    });

    it("refuses a certificate that is not trusted", async () => {
      expect(await causeOf(connect("127.0.0.1", undefined))).toMatchObject({
        code: expect.stringMatching(/SELF_SIGNED/),
      });
      const { cert } = await selfSigned();
      expect(await causeOf(connect("127.0.0.1", cert))).toMatchObject({
        code: expect.stringMatching(/SELF_SIGNED|SIGNATURE/),
      });
    });

    it("refuses a trusted certificate of another host", async () => {
      // Resolves to 127.0.0.1, which the certificate names and this is not.
      expect(await causeOf(connect("127.1", tls.cert))).toMatchObject({
        code: "ERR_TLS_CERT_ALTNAME_INVALID",
      });
    });
  });

  it("tells a caller of a wrong password nothing but that the database does not answer", async () => {
    const address = { ...server.address(), password: "top-secret-guess" };
    const wrong = openPostgres({ address, applicationName: "wrong", poolSize: 1 });
    const error = (await failure(wrong.ping())) as Error;
    expect(error.message).toBe("[unavailable] The database does not answer.");
    expect(JSON.stringify([error.cause, String(error.cause)])).not.toContain("top-secret-guess");
    await wrong.end();
  });
});
