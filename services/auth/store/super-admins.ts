import { sql, type Transaction } from "kysely";
import { Role } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { errors } from "../../kit/errors.js";
import type { OutboxTables } from "../../kit/outbox.js";
import { roleNames } from "../domain/grants.js";
import type { AuthTables } from "../store.js";

/**
 * Rejects with LAST_SUPER_ADMIN when, after a change, no active account of an
 * active tenant is SuperAdmin. Of changes made at once, each waits for those
 * before it, so that two do not rely on each other's account.
 */
export async function requireSuperAdmin(trx: Transaction<AuthTables & OutboxTables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('super administrators', 0))`.execute(trx);
  const left = await trx
    .selectFrom("users")
    .innerJoin("tenants", "tenants.id", "users.tenant_id")
    .select("users.id")
    .where(hasRole(Role.SUPER_ADMIN))
    .where("users.active", "=", true)
    .where("tenants.active", "=", true)
    .limit(1)
    .executeTakeFirst();
  if (!left) throw errors.lastSuperAdmin();
}

/** Whether an account has a role. */
export function hasRole(role: Role) {
  return sql<boolean>`${roleNames.nameOf(role)}::text = any(${sql.ref("users.roles")})`;
}
