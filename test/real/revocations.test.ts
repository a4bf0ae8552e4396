import { type Kysely, sql, type Transaction } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { revocations } from "../../services/auth/store/revocations.js";
import { type AuthTables, openAuthStore } from "../../services/auth/store.js";
import { systemClock } from "../../services/kit/clock.js";
import { newId } from "../../services/kit/ids.js";
import type { OutboxTables } from "../../services/kit/outbox.js";
import { openSchema, transaction } from "../../services/kit/stores/database/kysely.js";
import type { Database } from "../../services/kit/stores/database/port.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { newAccount } from "../auth/support/auth.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";

type Trx = Transaction<AuthTables & OutboxTables>;

describe.skipIf(!postgresInstalled)("revoking all tokens of a tenant", () => {
  let server: PostgresServer;
  let database: Database;
  let db: Kysely<AuthTables & OutboxTables>;
  beforeAll(async () => {
    server = await startPostgres();
    const address = server.address(await server.createDatabase());
    database = openPostgres({ address, replica: address, applicationName: "revocations", poolSize: 4 });
    db = openSchema<AuthTables>(database, "auth");
  });
  afterAll(async () => {
    await database?.end();
    await server?.remove();
  });

  const isLockAwaited = async () => {
    const { rows } = await sql`select 1 from pg_locks where not granted`.execute(db);
    return rows.length > 0;
  };

  it("concerns the token of an epoch that another transaction raises meanwhile", async () => {
    const store = await openAuthStore({ database, clock: systemClock });
    const tenant = newId();
    const account = { ...newAccount("no hash"), tenant };
    await store.accounts.add(account, { requestId: newId(), principal: undefined });
    const revoke = (trx: Trx) => revocations(trx, systemClock);

    let revoking: Promise<void> | undefined;
    await transaction(db, async (trx) => {
      await revoke(trx).account(tenant, account.id);
      revoking = transaction(db, (other) => revoke(other).tenant(tenant));
      await expect.poll(isLockAwaited).toBe(true);
    });
    await revoking;

    const told = db.selectFrom("revocations").select(["kind", "epoch"]).where("tenant_id", "=", tenant);
    expect(await told.orderBy("position").execute()).toEqual([
      { kind: "ACCOUNT", epoch: 1 },
      { kind: "TENANT", epoch: 2 },
    ]);
    const users = db.selectFrom("users").select("epoch").where("tenant_id", "=", tenant);
    expect(await users.execute()).toEqual([{ epoch: 2 }]);
  });
});
