import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../services/kit/ids.js";
import { openSchema, transaction } from "../../services/kit/stores/database/kysely.js";
import { migrate } from "../../services/kit/stores/database/migrate.js";
import type { Database } from "../../services/kit/stores/database/port.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { failure, reasonIs } from "../kit/stores/database-contract.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";
import { until } from "./servers/process-tree.js";

const unavailable = reasonIs("DEPENDENCY_UNAVAILABLE");
const recoveryMs = 5000;

describe.skipIf(!postgresInstalled)("a PostgreSQL server that goes away", () => {
  let server: PostgresServer;
  let database: Database;
  let db: ReturnType<typeof openThings>;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());
  beforeEach(async () => {
    if (!server.process().running()) await server.start();
    const address = server.address(await server.createDatabase());
    database = openPostgres({ address, applicationName: "away", poolSize: 4, queueLimit: 20 });
    const migrations = [{ name: "0001_thing.sql", sql: "create table thing (id uuid primary key, n int)" }];
    await migrate(database, { schema: "things", migrations });
    db = openThings(database);
  });
  afterEach(() => database.end());

  const insert = (id = newId()) =>
    transaction(db, async (trx) => {
      await trx.insertInto("thing").values({ id, n: 1 }).execute();
      await trx.updateTable("thing").where("id", "=", id).set({ n: 2 }).execute();
      return id;
    });
  const answers = () =>
    database.ping().then(
      () => true,
      () => false,
    );
  /** Milliseconds from now until the database answers again. */
  const recovery = async () => {
    const start = performance.now();
    await until(answers, { ms: recoveryMs });
    return performance.now() - start;
  };
  const stored = async () => db.selectFrom("thing").selectAll().execute();

  it("is answered for with DEPENDENCY_UNAVAILABLE at once when it was killed, and is back within 5 s", async () => {
    const id = await insert();
    await server.process().kill();
    await failure(insert());
    await until(async () => !(await answers()));
    const start = performance.now();
    const refusals = await Promise.all(Array.from({ length: 200 }, () => failure(insert())));
    expect(refusals.every(unavailable)).toBe(true);
    expect(performance.now() - start).toBeLessThan(1000);
    await server.start();
    expect(await recovery()).toBeLessThan(recoveryMs);
    expect(await stored()).toEqual([{ id, n: 2 }]);
  });

  it("is noticed within 3 s when it hangs, keeps nobody waiting after that, and is back within 5 s", async () => {
    await insert();
    await server.process().pause();
    const hung = performance.now();
    const first = await Promise.all(Array.from({ length: 24 }, () => failure(insert())));
    expect(first.every(unavailable)).toBe(true);
    expect(performance.now() - hung).toBeLessThan(3000);
    const start = performance.now();
    const refusals = await Promise.all(Array.from({ length: 500 }, () => failure(insert())));
    expect(refusals.every(unavailable)).toBe(true);
    expect(performance.now() - start).toBeLessThan(500);
    await server.process().resume();
    expect(await recovery()).toBeLessThan(recoveryMs);
    await insert();
    expect((await stored()).every(({ n }) => n === 2)).toBe(true);
  });

  it("leaves no half-done write, and none that was acknowledged is lost, when it is killed amid writes", async () => {
    const acknowledged: string[] = [];
    let stop = false;
    const writer = async () => {
      while (!stop) {
        await insert().then(
          (id) => acknowledged.push(id),
          () => new Promise((resolve) => setTimeout(resolve, 10)),
        );
      }
    };
    const writers = Array.from({ length: 12 }, writer);
    for (let round = 0; round < 3; round++) {
      const goal = acknowledged.length + 100;
      await until(() => acknowledged.length >= goal);
      await server.process().kill();
      await server.start();
      expect(await recovery()).toBeLessThan(recoveryMs);
    }
    stop = true;
    await Promise.all(writers);
    const rows = await stored();
    const ids = new Set(rows.map(({ id }) => id));
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    expect(rows.every(({ n }) => n === 2)).toBe(true);
  });

  it("has its backend's end told as DEPENDENCY_UNAVAILABLE, and the next statement gets another", async () => {
    const cut = transaction(db, async (trx) => {
      await trx.insertInto("thing").values({ id: newId(), n: 1 }).execute();
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
      await server.run(`select pg_terminate_backend(${rows[0]?.pid})`);
      await trx.selectFrom("thing").selectAll().execute();
    });
    expect(await failure(cut)).toSatisfy(unavailable);
    expect(await stored()).toEqual([]);
    await insert();
  });

  it("leaves a slow statement alone while the server answers others", async () => {
    const slow = sql`select pg_sleep(2.5)`.execute(db);
    await expect(Promise.all([slow, insert()])).resolves.toHaveLength(2);
  });

  it("ends a statement that takes longer than the statement timeout", async () => {
    const { port: _, ...rest } = server.address();
    const impatient = openPostgres({
      address: { ...rest, port: server.port },
      applicationName: "impatient",
      poolSize: 1,
      statementTimeoutMs: 200,
      migrationTimeoutMs: 200,
    });
    const client = await impatient.connect();
    expect(await failure(client.query("select pg_sleep($1)", [5]))).toSatisfy(unavailable);
    expect(await failure(client.query("select pg_sleep(5)", []))).toSatisfy(unavailable);
    await client.query("begin", []);
    expect(await failure(client.query("select pg_sleep(5)", []))).toSatisfy(unavailable);
    client.release();
    await impatient.ping();
    await impatient.end();
  });
});

function openThings(database: Database) {
  return openSchema<{ thing: { id: string; n: number } }>(database, "things");
}
