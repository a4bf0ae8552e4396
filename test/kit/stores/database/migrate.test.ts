import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MigrationError, migrate, readMigrations } from "../../../../services/kit/stores/database/migrate.js";
import type { Database, Migration } from "../../../../services/kit/stores/database/port.js";
import { emptyDatabase } from "../../../support/database.js";

const first: Migration = {
  name: "0001_first.sql",
  sql: "create table a (i int);\ninsert into a values (1);",
};
const second: Migration = { name: "0002_second.sql", sql: "create table b (i int)" };

describe("migrations", () => {
  let database: Database;
  beforeAll(async () => {
    database = await emptyDatabase();
  });
  afterAll(() => database.end());

  const query = async (sql: string) => {
    const client = await database.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql, [])).rows;
    } finally {
      client.release();
    }
  };
  const ofKit = async () => (await readMigrations("kit/stores/database")).map(({ name }) => `kit/${name}`);
  const refusal = async (schema: string, migrations: Migration[]) => {
    const error = await migrate(database, { schema, migrations }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(MigrationError);
    return (error as Error).message;
  };

  it("run in order, after those of the kit, and are a no-op the second time", async () => {
    const all = { schema: "twice", migrations: [first, second] };
    expect(await migrate(database, all)).toEqual([...(await ofKit()), first.name, second.name]);
    expect(await migrate(database, all)).toEqual([]);
    expect(await query("select count(*) as n from twice.a")).toEqual([{ n: 1n }]);
  });

  it("give each schema tables of its own", async () => {
    await migrate(database, { schema: "mine", migrations: [first] });
    await migrate(database, { schema: "yours", migrations: [first] });
    await query("delete from mine.a");
    expect(await query("select i from yours.a")).toEqual([{ i: 1 }]);
    expect(await query("select count(*) as n from yours.outbox")).toEqual([{ n: 0n }]);
  });

  it("run once when several start at the same time", async () => {
    const all = { schema: "racing", migrations: [first, second] };
    const ran = await Promise.all([1, 2, 3].map(() => migrate(database, all)));
    expect(ran.flat().sort()).toEqual([first.name, second.name, ...(await ofKit())]);
  });

  it("apply only the files that are new", async () => {
    await migrate(database, { schema: "growing", migrations: [first] });
    expect(await migrate(database, { schema: "growing", migrations: [first, second] })).toEqual([
      second.name,
    ]);
  });

  it("refuse an applied file that has changed, naming it", async () => {
    await migrate(database, { schema: "changed", migrations: [first, second] });
    const message = await refusal("changed", [first, { ...second, sql: `${second.sql} ` }]);
    expect(message).toContain("0002_second.sql was applied to changed and its file has changed");
  });

  it("accept an applied file whose line ends were converted", async () => {
    await migrate(database, { schema: "crlf", migrations: [first] });
    const converted = { ...first, sql: first.sql.replaceAll("\n", "\r\n") };
    expect(await migrate(database, { schema: "crlf", migrations: [converted] })).toEqual([]);
  });

  it("refuse when an applied file is gone, naming it", async () => {
    await migrate(database, { schema: "gone", migrations: [first, second] });
    expect(await refusal("gone", [first])).toBe("0002_second.sql was applied to gone and its file is gone");
  });

  it("refuse a new file that sorts before an applied one, naming both", async () => {
    await migrate(database, { schema: "late", migrations: [second] });
    expect(await refusal("late", [first, second])).toBe(
      "0001_first.sql comes before 0002_second.sql, which was applied to late",
    );
  });

  it("leave nothing of a file that fails, and name it", async () => {
    const broken = { name: "0002_broken.sql", sql: "create table b (i int); insert into nowhere values (1)" };
    expect(await refusal("broken", [first, broken])).toContain("0002_broken.sql of broken failed");
    expect(
      await query("select to_regclass('broken.b') as b, to_regclass('broken.a') is not null as a"),
    ).toEqual([{ b: null, a: true }]);
    expect(await migrate(database, { schema: "broken", migrations: [first, second] })).toEqual([second.name]);
  });

  it("refuse a schema name that would need quoting", async () => {
    expect(await refusal('x"; drop schema public', [])).toContain("no name for a schema");
  });

  it("are found by the workload's name from the package root", async () => {
    const [outbox] = await readMigrations("kit/stores/database");
    expect(outbox?.name).toBe("0001_outbox.sql");
    expect(outbox?.sql).toContain("create table outbox");
  });
});
