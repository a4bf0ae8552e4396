import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Role } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import {
  type RolePermissions,
  RolePermissionsSchema,
} from "#gen/ts/consciousness/auth/v1/roles_service_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { etagOf } from "../../kit/etag.js";
import { permissionNames, requireHeld, roleNames } from "./grants.js";
import { permissionsOf } from "./roles.js";

/** What a tenant keeps of one of its roles. */
export interface StoredRole {
  readonly tenant: string;
  readonly role: Role;
  /** Undefined when it permits what is shipped. */
  readonly permissions: readonly Permission[] | undefined;
  /** 0 before the first change. */
  readonly version: bigint;
  readonly updateTime: Date | undefined;
}

/** The roles that there are, as the contract orders them. */
export const knownRoles: readonly Role[] = [
  Role.USER,
  Role.DEVELOPER,
  Role.RESEARCHER,
  Role.ADMIN,
  Role.SUPER_ADMIN,
];

/**
 * Demands that a principal may change what a role permits. Throws ROLE_FIXED for
 * what nobody may, and ROLE_RESERVED for what a SuperAdmin alone may.
 */
export function requireChangeable({ roles }: Principal, role: Role): void {
  if (role === Role.SUPER_ADMIN) throw errors.roleFixed({ role: roleNames.nameOf(role) });
  if (role === Role.ADMIN && !roles.includes(Role.SUPER_ADMIN)) {
    throw errors.roleReserved({ role: roleNames.nameOf(role) });
  }
}

/** Throws GRANT_EXCEEDED unless the principal holds all that a role permits, and all that it shall. */
export function requireWithin(
  { permissions }: Principal,
  current: StoredRole,
  wanted: readonly Permission[],
): void {
  requireHeld(permissions, [...permitted(current), ...wanted]);
}

/** Names of permissions in the contract's order. */
export function permissionList(permissions: readonly Permission[] | undefined): string[] | null {
  return permissions ? [...permissions].sort((a, b) => a - b).map(permissionNames.nameOf) : null;
}

/** What a role permits, as the tenant's administrators see it. */
export function roleMessage(stored: StoredRole): RolePermissions {
  const { tenant, role, permissions, version, updateTime } = stored;
  return create(RolePermissionsSchema, {
    role,
    permissions: permitted(stored),
    customized: permissions !== undefined,
    etag: etagOf({ id: roleId(tenant, role), version }),
    ...(updateTime && { updateTime: timestampFromDate(updateTime) }),
  });
}

/** Identifies a role of a tenant in events and errors. */
export function roleId(tenant: string, role: Role): string {
  return `${tenant}/${roleNames.nameOf(role)}`;
}

function permitted({ role, permissions }: StoredRole): Permission[] {
  return permissionsOf([role], permissions ? new Map([[role, permissions]]) : new Map());
}
