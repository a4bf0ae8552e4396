import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";

/** The tenant whose decisions a call is about; undefined for all of them. Throws ALL_TENANTS_NOT_ALLOWED. */
export function tenantOf(
  { tenant, permissions }: Pick<Principal, "tenant" | "permissions">,
  { allTenants }: { readonly allTenants: boolean },
): string | undefined {
  if (!allTenants) return tenant;
  if (permissions.has(Permission.TENANT_ADMIN)) return undefined;
  throw errors.allTenantsNotAllowed();
}
