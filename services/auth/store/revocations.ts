import { sql, type Transaction } from "kysely";
import type { Clock } from "../../kit/clock.js";
import type { OutboxTables } from "../../kit/outbox.js";
import { longestAccessLifetime } from "../config.js";
import type { AuthTables } from "../store.js";

/** Ends tokens before they expire: every gateway refuses them within a second of the commit. */
export interface Revocations {
  /** Tokens of a session. */
  session(tenant: string, session: string): Promise<void>;
  /** Tokens that a user or a service account has; its next ones have the epoch that this raises. */
  account(tenant: string, account: string): Promise<void>;
  /** Tokens that stand for an API key. */
  apiKey(tenant: string, key: string): Promise<void>;
  /** Tokens of all accounts of a tenant, whose epochs rise. */
  tenant(tenant: string): Promise<void>;
  /** No token; but gateways forget what they keep of the tenant. */
  tenantSettings(tenant: string): Promise<void>;
}

type Trx = Transaction<AuthTables & OutboxTables>;
type Kind = AuthTables["revocations"]["kind"];

/**
 * Revokes in the transaction of the change that is the reason for it. The event
 * is the change's own.
 */
export function revocations(trx: Trx, clock: Clock): Revocations {
  const add = async (kind: Kind, tenant: string, subject: string, epoch = 0) => {
    const create_time = new Date(clock.now());
    const expire_time = new Date(clock.now() + longestAccessLifetime * 1000);
    const row = { kind, tenant_id: tenant, subject, epoch, create_time, expire_time };
    await trx.insertInto("revocations").values(row).execute();
  };
  return {
    session: (tenant, session) => add("SESSION", tenant, session),
    async account(tenant, account) {
      const epoch = await raiseEpoch(trx, tenant, account);
      if (epoch !== undefined) await add("ACCOUNT", tenant, account, epoch);
    },
    apiKey: (tenant, key) => add("API_KEY", tenant, key),
    async tenant(tenant) {
      await add("TENANT", tenant, "", await raiseEpochs(trx, tenant));
    },
    tenantSettings: (tenant) => add("TENANT_SETTINGS", tenant, ""),
  };
}

async function raiseEpoch(trx: Trx, tenant: string, account: string): Promise<number | undefined> {
  const user = await trx
    .updateTable("users")
    .set((row) => ({ epoch: row("epoch", "+", 1) }))
    .where("tenant_id", "=", tenant)
    .where("id", "=", account)
    .returning("epoch")
    .executeTakeFirst();
  if (user) return user.epoch;
  const machine = await sql<{ epoch: number }>`
    update ${sql.table("service_accounts")} set epoch = epoch + 1
    where tenant_id = ${tenant} and id = ${account} returning epoch`.execute(trx);
  return machine.rows[0]?.epoch;
}

/** Raises all epochs of a tenant to one that none of its tokens has, and returns that. */
async function raiseEpochs(trx: Trx, tenant: string): Promise<number> {
  const tables = [sql.table("users"), sql.table("service_accounts")];
  let highest = 0;
  for (const table of tables) {
    const found = await sql<{ epoch: number }>`
      select coalesce(max(epoch), 0) + 1 as epoch from ${table} where tenant_id = ${tenant}`.execute(trx);
    highest = Math.max(highest, found.rows[0]?.epoch ?? 1);
  }
  for (const table of tables) {
    await sql`update ${table} set epoch = ${highest} where tenant_id = ${tenant}`.execute(trx);
  }
  return highest;
}
