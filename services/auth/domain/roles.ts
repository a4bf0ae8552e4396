import { Role } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { Permission, PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";

const everything = PermissionSchema.values
  .map(({ number }) => number as Permission)
  .filter((permission) => permission !== Permission.UNSPECIFIED);

const ofUsers = [
  Permission.CONSCIOUSNESS_READ,
  Permission.CONSCIOUSNESS_WRITE,
  Permission.AGENT_CREATE,
  Permission.AGENT_READ,
  Permission.AGENT_UPDATE,
  Permission.AGENT_DELETE,
];
const ofDevelopers = [...ofUsers, Permission.ANALYTICS_READ, Permission.POLICY_READ];
const ofResearchers = [...ofDevelopers, Permission.ANALYTICS_EXPORT, Permission.FEEDBACK_WRITE];
const acrossTenants: readonly Permission[] = [
  Permission.ANALYTICS_ADMIN,
  Permission.SYSTEM_MONITOR,
  Permission.SYSTEM_ADMIN,
  Permission.TENANT_ADMIN,
];

/** What each role permits as shipped. */
export const rolePermissions: Readonly<Record<Role, readonly Permission[]>> = {
  [Role.UNSPECIFIED]: [],
  [Role.USER]: ofUsers,
  [Role.DEVELOPER]: ofDevelopers,
  [Role.RESEARCHER]: ofResearchers,
  [Role.ADMIN]: everything.filter((permission) => !acrossTenants.includes(permission)),
  [Role.SUPER_ADMIN]: everything,
};

/** What a tenant's roles permit, where that is not what is shipped. */
export type RoleTable = ReadonlyMap<Role, readonly Permission[]>;

/** Of a tenant whose roles permit what is shipped. */
export const shippedRoles: RoleTable = new Map();

/** What a role permits in a tenant. A SuperAdmin may do everything everywhere, whatever the table says. */
export function permissionsOfRole(role: Role, table: RoleTable): readonly Permission[] {
  return (role === Role.SUPER_ADMIN ? undefined : table.get(role)) ?? rolePermissions[role];
}

/** What the roles permit together in a tenant, in the contract's order. */
export function permissionsOf(roles: readonly Role[], table: RoleTable): Permission[] {
  const granted = new Set(roles.flatMap((role) => permissionsOfRole(role, table)));
  return everything.filter((permission) => granted.has(permission));
}
