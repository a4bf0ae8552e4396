import { type Role, RoleSchema, type Tier, TierSchema } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { Permission, PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../kit/context.js";
import { enumNames } from "../../kit/enum-names.js";
import { errors } from "../../kit/errors.js";

export const permissionNames = enumNames<Permission>(PermissionSchema);
export const roleNames = enumNames<Role>(RoleSchema);
export const tierNames = enumNames<Tier>(TierSchema);

/** Throws GRANT_EXCEEDED with the first permission that is not among those held. */
export function requireHeld(held: ReadonlySet<Permission>, wanted: Iterable<Permission>): void {
  for (const permission of wanted) {
    if (!held.has(permission)) throw errors.grantExceeded({ grant: permissionNames.nameOf(permission) });
  }
}

/** Throws GRANT_EXCEEDED when the tier is above the principal's own; who administers tenants gives any. */
export function requireTier({ tier, permissions }: Principal, wanted: Tier): void {
  if (wanted <= tier || permissions.has(Permission.TENANT_ADMIN)) return;
  throw errors.grantExceeded({ grant: `tier ${tierNames.nameOf(wanted)}` });
}

/** Throws PERMISSION_MISSING unless the principal may say whose a certificate is. */
export function requireCertificates({ permissions }: Principal): void {
  if (permissions.has(Permission.SYSTEM_ADMIN)) return;
  throw errors.permissionMissing({ permission: permissionNames.nameOf(Permission.SYSTEM_ADMIN) });
}
