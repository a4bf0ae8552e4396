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
  Permission.SYSTEM_ADMIN,
  Permission.TENANT_ADMIN,
];

/** What each role permits. */
export const rolePermissions: Readonly<Record<Role, readonly Permission[]>> = {
  [Role.UNSPECIFIED]: [],
  [Role.USER]: ofUsers,
  [Role.DEVELOPER]: ofDevelopers,
  [Role.RESEARCHER]: ofResearchers,
  [Role.ADMIN]: everything.filter((permission) => !acrossTenants.includes(permission)),
  [Role.SUPER_ADMIN]: everything,
};

/** What the roles permit together, in the contract's order. */
export function permissionsOf(roles: readonly Role[]): Permission[] {
  const granted = new Set(roles.flatMap((role) => rolePermissions[role]));
  return everything.filter((permission) => granted.has(permission));
}
