import { describe, expect, it } from "vitest";
import { Role, RoleSchema } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { Permission, PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { permissionsOf, rolePermissions, shippedRoles } from "../../../services/auth/domain/roles.js";

const holds = (role: Role, permission: Permission) => rolePermissions[role].includes(permission);

describe("roles", () => {
  it.each([
    [Role.USER, Permission.CONSCIOUSNESS_WRITE, Permission.ANALYTICS_READ],
    [Role.USER, Permission.AGENT_DELETE, Permission.SYSTEM_MONITOR],
    [Role.DEVELOPER, Permission.ANALYTICS_READ, Permission.ANALYTICS_EXPORT],
    [Role.RESEARCHER, Permission.ANALYTICS_EXPORT, Permission.CONSCIOUSNESS_ADMIN],
    [Role.ADMIN, Permission.CONSCIOUSNESS_ADMIN, Permission.SYSTEM_ADMIN],
    [Role.ADMIN, Permission.AUDIT_READ, Permission.ANALYTICS_ADMIN],
    [Role.ADMIN, Permission.USER_ADMIN, Permission.SYSTEM_MONITOR],
  ])("role %i permits %i and not %i", (role, allowed, denied) => {
    expect(holds(role, allowed)).toBe(true);
    expect(holds(role, denied)).toBe(false);
  });

  it("permit nothing when unspecified and everything to the super administrator", () => {
    expect(rolePermissions[Role.UNSPECIFIED]).toEqual([]);
    expect(rolePermissions[Role.SUPER_ADMIN]).toHaveLength(PermissionSchema.values.length - 1);
  });

  it("each permit all that the one below permits", () => {
    const ladder = RoleSchema.values.map(({ number }) => number as Role);
    ladder.slice(1).forEach((role, i) => {
      const below = rolePermissions[ladder[i] ?? Role.UNSPECIFIED];
      expect(rolePermissions[role]).toEqual(expect.arrayContaining([...below]));
    });
  });

  it("permit together what each permits, once", () => {
    expect(permissionsOf([Role.USER, Role.ADMIN], shippedRoles)).toEqual(
      permissionsOf([Role.ADMIN], shippedRoles),
    );
    expect(permissionsOf([], shippedRoles)).toEqual([]);
  });

  it("permit in a tenant what its table says, and what is shipped where it says nothing", () => {
    const table = new Map([[Role.USER, [Permission.AGENT_READ]]]);
    expect(permissionsOf([Role.USER], table)).toEqual([Permission.AGENT_READ]);
    expect(permissionsOf([Role.DEVELOPER], table)).toEqual(permissionsOf([Role.DEVELOPER], shippedRoles));
  });

  it("permit the super administrator everything whatever the table says", () => {
    const table = new Map([[Role.SUPER_ADMIN, []]]);
    expect(permissionsOf([Role.SUPER_ADMIN], table)).toEqual(rolePermissions[Role.SUPER_ADMIN]);
  });
});
