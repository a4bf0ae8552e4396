import type { Selectable } from "kysely";
import { type Role, RoleSchema, Tier, TierSchema } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { ServiceAccount } from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { enumNames } from "../../kit/enum-names.js";
import { permissionNames } from "../domain/grants.js";
import type { StoredServiceAccount } from "../domain/service-account.js";
import type { AuthTables } from "../store.js";

const roleNames = enumNames<Role>(RoleSchema);
const tierNames = enumNames<Tier>(TierSchema);

/** The service account that a row holds. */
export function toServiceAccount(row: Selectable<AuthTables["service_accounts"]>): StoredServiceAccount {
  return {
    id: row.id,
    tenant: row.tenant_id,
    name: row.name,
    description: row.description,
    roles: roleNames.valuesOf(row.roles),
    permissions: permissionNames.valuesOf(row.permissions),
    tier: tierNames.valueOf(row.tier) ?? Tier.BASIC,
    spiffeId: row.spiffe_id ?? "",
    epoch: row.epoch,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
    formerSecretExpireTime: row.former_secret_expire_time ?? undefined,
  };
}

/** The columns that an administrator sets. */
export function serviceAccountValues(account: ServiceAccount) {
  return {
    name: account.name,
    description: account.description,
    roles: account.roles.map(roleNames.nameOf),
    permissions: account.permissions.map(permissionNames.nameOf),
    tier: tierNames.nameOf(account.tier),
    spiffe_id: account.spiffeId || null,
  };
}
