import { expressionBuilder, type Kysely, sql } from "kysely";
import type { OutboxTables } from "../../kit/outbox.js";
import { permissionNames, roleNames } from "../domain/grants.js";
import type { RoleTable } from "../domain/roles.js";
import type { AuthTables } from "../store.js";

type Tables = AuthTables & OutboxTables;

/** What is stored of a tenant's roles, by name; null when they permit what is shipped. */
export type StoredRoleTable = Readonly<Record<string, readonly string[]>> | null;

/**
 * The column `role_table`: what the roles of a row's tenant permit. Read in the
 * query that reads an account, so that its permissions and its epoch are of one
 * state, and no replica keeps what another has changed.
 */
export const roleTableOf = (tenantColumn: "users.tenant_id" | "service_accounts.tenant_id" | "tenants.id") =>
  expressionBuilder<AuthTables, "users" | "service_accounts" | "tenants">()
    .selectFrom("role_permissions")
    .select(sql<StoredRoleTable>`jsonb_object_agg(role, permissions)`.as("changed"))
    .whereRef("role_permissions.tenant_id", "=", tenantColumn)
    .where("permissions", "is not", null)
    .as("role_table");

/** The table that a row's `role_table` holds. */
export function toRoleTable(stored: StoredRoleTable): RoleTable {
  const roles = Object.entries(stored ?? {}).flatMap(([name, permissions]) => {
    const role = roleNames.valueOf(name);
    return role === undefined ? [] : [[role, permissionNames.valuesOf(permissions)] as const];
  });
  return new Map(roles);
}

/** What the roles of a tenant permit. */
export async function loadRoleTable(db: Kysely<Tables>, tenant: string): Promise<RoleTable> {
  const query = db.selectFrom("tenants").select(roleTableOf("tenants.id")).where("id", "=", tenant);
  return toRoleTable((await query.executeTakeFirst())?.role_table ?? null);
}
