import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrate, readMigrations } from "../../services/kit/stores/database/migrate.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { failure } from "../kit/stores/database-contract.js";
import { schemaContract } from "../kit/stores/schema-contract.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";

const schemas = ["agents", "auth", "engine"];
const common = { applicationName: "schemas", poolSize: 4 };

describe.skipIf(!postgresInstalled)("on a real server", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  schemaContract("schemas on PostgreSQL", async () =>
    openPostgres({ ...common, address: server.address(await server.createDatabase()) }),
  );

  it("migrates once when four replicas start at the same time", async () => {
    const address = server.address(await server.createDatabase());
    const replicas = Array.from({ length: 4 }, () => openPostgres({ ...common, address }));
    const ran = await Promise.all(
      replicas.map(async (database) => {
        const applied = await Promise.all(
          schemas.map(async (schema) =>
            migrate(database, { schema, migrations: await readMigrations(schema) }),
          ),
        );
        return applied.flatMap((names, i) => names.map((name) => `${schemas[i]}/${name}`));
      }),
    );
    const all = ran.flat();
    expect(new Set(all).size).toBe(all.length);
    expect(all).toEqual(expect.arrayContaining(schemas.map((schema) => `${schema}/kit/0001_outbox.sql`)));
    await Promise.all(replicas.map((database) => database.end()));
  });

  describe("services that log in as somebody other than the owner", () => {
    let names: { database: string; owner: string; login: string };
    const open = () =>
      openPostgres({
        ...common,
        address: server.address(names.database, names.login),
        owner: server.address(names.database, names.owner),
      });
    beforeAll(async () => {
      names = { database: await server.createDatabase(), owner: "the_owner", login: "the-login" };
      const password = server.address().password;
      await server.run(`create role the_owner login createrole password '${password}'`);
      await server.run(`create role "the-login" login noinherit password '${password}'`);
      await server.run(`alter database ${names.database} owner to the_owner`);
      // Roles belong to the server: those of the tests before are there already.
      const made = await server.run<{ rolname: string }>(
        "select rolname from pg_roles where rolname like '%_service'",
      );
      for (const { rolname } of made) await server.run(`grant ${rolname} to the_owner with admin option`);
      const database = open();
      for (const schema of schemas)
        await migrate(database, { schema, migrations: await readMigrations(schema) });
      await database.end();
    });

    const attempt = async (schema: string, sql: string, values: unknown[] = []) => {
      const database = open();
      const client = await database.forSchema(schema).connect();
      try {
        return await client.query(sql, values);
      } finally {
        client.release();
        await database.end();
      }
    };
    const refused = async (schema: string, sql: string, values?: unknown[]) =>
      expect(await failure(attempt(schema, sql, values))).toMatchObject({ code: "42501" });

    it("read and write the tables of their schema", async () => {
      expect(await attempt("agents", "select from agents.agents")).toMatchObject({ rows: [] });
      const insert = "insert into agents.leases values ($1, gen_random_uuid(), now())";
      expect(await attempt("agents", insert, ["a"])).toMatchObject({ rowCount: 1 });
      expect(
        await attempt("engine", "select from engine.decisions where tenant_id = $1", ["t"]),
      ).toMatchObject({
        rows: [],
      });
    });

    it("cannot read another's schema, with and without parameters, in and out of transactions", async () => {
      await refused("agents", "select * from auth.users");
      await refused("agents", "select * from auth.users where username = $1", ["admin"]);
      await refused("agents", "begin; select * from auth.users");
      await refused("auth", "delete from engine.decisions");
    });

    it("cannot change the shape of their schema or make tables anywhere", async () => {
      await refused("agents", "create table agents.more (i int)");
      await refused("agents", "create table public.more (i int)");
      await refused("agents", "create schema more");
      await refused("agents", "drop table agents.agents");
      await refused("agents", "truncate agents.agents");
    });

    it("cannot see what the kit notes of migrations, partitions and jobs", async () => {
      for (const table of ["migrations", "partitioned_tables", "jobs"]) {
        await refused("agents", `select * from agents.${table}`);
      }
    });

    it("have no right at all outside of a service's role", async () => {
      const database = open();
      const scoped = await database.forSchema("agents").connect();
      await scoped.query("begin", []);
      await scoped.query("reset role", []);
      expect(await failure(scoped.query("select * from agents.agents", []))).toMatchObject({ code: "42501" });
      scoped.release();
      await database.end();
    });
  });
});
