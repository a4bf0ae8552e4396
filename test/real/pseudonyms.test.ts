import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataKeys } from "../../services/engine/data-keys.js";
import { pseudonymStore } from "../../services/engine/pseudonym-store.js";
import type { EngineTables } from "../../services/engine/store.js";
import { systemClock } from "../../services/kit/clock.js";
import { newId } from "../../services/kit/ids.js";
import { openSchema } from "../../services/kit/stores/database/kysely.js";
import { migrate, readMigrations } from "../../services/kit/stores/database/migrate.js";
import type { Database } from "../../services/kit/stores/database/port.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";

const atOnce = 12;
const keyEncryptionKey = Buffer.alloc(32, 7);
const value = (at: number) => ({ type: "email" as const, value: `a${at}@example.com` });

describe.skipIf(!postgresInstalled)("pseudonyms of two replicas on PostgreSQL", () => {
  let server: PostgresServer;
  let database: Database;
  beforeAll(async () => {
    server = await startPostgres();
    const address = server.address(await server.createDatabase());
    database = openPostgres({ address, replica: address, applicationName: "pseudonyms", poolSize: atOnce });
    await migrate(database, { schema: "engine", migrations: await readMigrations("engine") });
  });
  afterAll(async () => {
    await database?.end();
    await server?.remove();
  });

  const replica = async () => {
    const db = openSchema<EngineTables>(database, "engine");
    const keys = await openDataKeys({ db, keyEncryptionKey, clock: systemClock });
    return pseudonymStore({ db, keys, clock: systemClock, keptMs: 86_400_000 });
  };

  it("are the same for the same values at once, under one data key, and open on both", async () => {
    const of = { principal: { tenant: newId(), subject: newId() }, conversationId: "c" };
    const replicas = await Promise.all([replica(), replica()]);
    const calls = Array.from({ length: atOnce }, (_, at) =>
      replicas[at % 2]?.tokensOf(of, [value(at % 4), value((at % 4) + 1)]),
    );
    const known = new Map<string, Set<string | undefined>>();
    (await Promise.all(calls)).forEach((tokens, at) => {
      tokens?.forEach((token, by) => {
        const name = value((at % 4) + by).value;
        known.set(name, (known.get(name) ?? new Set()).add(token));
      });
    });
    expect([...known.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1, 1]);
    const tokens = [...known].map(([name, [token]]) => [token ?? "", name] as const);
    expect(new Set(tokens.map(([token]) => token)).size).toBe(5);
    for (const one of replicas) {
      expect(
        await one.valuesOf(
          of,
          tokens.map(([token]) => token),
        ),
      ).toEqual(new Map(tokens));
    }
  });
});
