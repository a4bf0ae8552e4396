import { type Role, RoleSchema } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { type Permission, PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { rolePermissions } from "../auth/domain/roles.js";
import { enumNames } from "../kit/enum-names.js";

const roles = RoleSchema.values.filter(({ number }) => number !== 0);
const permissionNames = enumNames<Permission>(PermissionSchema);

/** Names of the roles that have a permission, by its name, unless a tenant has changed them. */
export function rolesWith(permission: string): string[] {
  const value = permissionNames.valueOf(permission);
  return roles
    .filter(({ number }) => value !== undefined && rolePermissions[number as Role].includes(value))
    .map(({ localName }) => localName);
}

/** Head and rows of what each role permits as shipped. */
export function roleMatrix(): { readonly head: string[]; readonly rows: string[][] } {
  const names = roles.map(({ localName }) => localName);
  const permissions = PermissionSchema.values.filter(({ number }) => number !== 0);
  return {
    head: ["Permission", ...names.map((name) => `\`${name}\``)],
    rows: permissions.map(({ localName }) => {
      const having = rolesWith(localName);
      return [`\`${localName}\``, ...names.map((name) => (having.includes(name) ? "yes" : ""))];
    }),
  };
}
