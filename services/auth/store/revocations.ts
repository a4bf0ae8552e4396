import { sql, type Transaction } from "kysely";
import type { Clock } from "../../kit/clock.js";
import type { OutboxTables } from "../../kit/outbox.js";
import { longestAccessLifetime } from "../config.js";
import { graceMs } from "../domain/refresh.js";
import type { AuthTables } from "../store.js";

/** Ends tokens before they expire: every gateway refuses them within a second of the commit. */
export interface Revocations {
  /** Tokens of a session. */
  session(tenant: string, session: string): Promise<void>;
  /** Tokens that a user or a service account has; its next ones have the epoch that this raises. */
  account(tenant: string, account: string): Promise<void>;
  /** Tokens that accounts with a role have, by the role's name. */
  accountsOfRole(tenant: string, role: string): Promise<void>;
  /** Tokens that stand for an API key. */
  apiKey(tenant: string, key: string): Promise<void>;
  /** Tokens of all accounts of a tenant, whose epochs rise. */
  tenant(tenant: string): Promise<void>;
}

/** How many rows one statement adds, as its parameters are limited. */
const rowsAtOnce = 1000;

type Trx = Transaction<AuthTables & OutboxTables>;
type Kind = AuthTables["revocations"]["kind"];

/**
 * Revokes in the transaction of the change that is the reason for it. The event
 * is the change's own.
 */
export function revocations(trx: Trx, clock: Clock): Revocations {
  const longest = () => new Date(clock.now() + longestAccessLifetime * 1000);
  const rowOf = (kind: Kind, tenant: string, subject: string, { epoch = 0, until = longest() } = {}) => {
    const create_time = new Date(clock.now());
    return { kind, tenant_id: tenant, subject, epoch, create_time, expire_time: until };
  };
  const add = async (...entry: Parameters<typeof rowOf>) => {
    await trx
      .insertInto("revocations")
      .values(rowOf(...entry))
      .execute();
  };
  return {
    async session(tenant, session) {
      const until = await lastExpiry(trx, session);
      await add("SESSION", tenant, session, until && { until });
    },
    async account(tenant, account) {
      const epoch = await raiseEpoch(trx, tenant, account);
      if (epoch !== undefined) await add("ACCOUNT", tenant, account, { epoch });
    },
    async accountsOfRole(tenant, role) {
      const raised = await raiseEpochsOfRole(trx, tenant, role);
      const rows = raised.map(({ id, epoch }) => rowOf("ACCOUNT", tenant, id, { epoch }));
      for (let at = 0; at < rows.length; at += rowsAtOnce) {
        const some = rows.slice(at, at + rowsAtOnce);
        await trx.insertInto("revocations").values(some).execute();
      }
    },
    apiKey: (tenant, key) => add("API_KEY", tenant, key),
    async tenant(tenant) {
      await add("TENANT", tenant, "", { epoch: await raiseEpochs(trx, tenant) });
    },
  };
}

/** When the last access token of a session expires. A repeated refresh gives one out some seconds later than noted. */
async function lastExpiry(trx: Trx, session: string): Promise<Date | undefined> {
  const query = trx.selectFrom("sessions").select("access_expire_time").where("id", "=", session);
  const noted = (await query.executeTakeFirst())?.access_expire_time;
  return noted ? new Date(noted.getTime() + 2 * graceMs) : undefined;
}

async function raiseEpoch(trx: Trx, tenant: string, account: string): Promise<number | undefined> {
  for (const table of ["users", "service_accounts"] as const) {
    const raised = await trx
      .updateTable(table)
      .set((row) => ({ epoch: row("epoch", "+", 1) }))
      .where("tenant_id", "=", tenant)
      .where("id", "=", account)
      .returning("epoch")
      .executeTakeFirst();
    if (raised) return raised.epoch;
  }
  return undefined;
}

async function raiseEpochsOfRole(trx: Trx, tenant: string, role: string) {
  const raised = [];
  for (const table of ["users", "service_accounts"] as const) {
    const accounts = trx
      .updateTable(table)
      .set((row) => ({ epoch: row("epoch", "+", 1) }))
      .where("tenant_id", "=", tenant)
      .where(sql<boolean>`${role}::text = any(roles)`)
      .returning(["id", "epoch"]);
    raised.push(...(await accounts.execute()));
  }
  return raised;
}

/**
 * Raises all epochs of a tenant to one that none of its tokens has, and returns
 * that. Each row is raised by what it is once it is locked: read before, it could
 * rise in another transaction, and a token of then would live on.
 */
async function raiseEpochs(trx: Trx, tenant: string): Promise<number> {
  const epochs = [1];
  for (const table of ["users", "service_accounts"] as const) {
    const raised = trx.updateTable(table).set((row) => ({ epoch: row("epoch", "+", 1) }));
    const rows = await raised.where("tenant_id", "=", tenant).returning("epoch").execute();
    for (const row of rows) epochs.push(row.epoch);
  }
  const epoch = epochs.reduce((highest, one) => Math.max(highest, one));
  for (const table of ["users", "service_accounts"] as const) {
    const below = trx.updateTable(table).set({ epoch }).where("tenant_id", "=", tenant);
    await below.where("epoch", "<", epoch).execute();
  }
  return epoch;
}
