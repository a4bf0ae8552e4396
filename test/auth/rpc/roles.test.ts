import { Code } from "@connectrpc/connect";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Role } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { type RolePermissions, RolesService } from "#gen/ts/consciousness/auth/v1/roles_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { rolePermissions } from "../../../services/auth/domain/roles.js";
import type { Principal } from "../../../services/kit/context.js";
import { type Auth, eventType, password, startAuth } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { methodsOf } from "../support/methods.js";
import { type Member, member, newTenant, revokedIn } from "../support/tenants.js";

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

const as = (principal: Principal) => methodsOf(auth.served, RolesService, { principal });
const narrow = [Permission.AGENT_READ, Permission.CONSCIOUSNESS_READ];
const permittedTo = (role: Role, roles: readonly RolePermissions[]) =>
  roles.find((one) => one.role === role)?.permissions;
const exceeded = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.PermissionDenied, "GRANT_EXCEEDED");

/** A tenant of its own with an administrator, and a user who is signed in. */
async function populated() {
  const { id, name } = await newTenant(auth);
  const user = await member(auth, Role.USER, { tenant: id });
  const signIn = () => auth.call().login({ tenant: name, username: user.account.username, password });
  return { id, boss: await member(auth, Role.ADMIN, { tenant: id }), user, signIn };
}

describe("ListRoles", () => {
  it("lists what is shipped until a tenant changes it", async () => {
    const { boss } = await populated();
    const { roles } = await as(boss).listRoles({});
    expect(roles.map(({ role }) => role)).toEqual([
      Role.USER,
      Role.DEVELOPER,
      Role.RESEARCHER,
      Role.ADMIN,
      Role.SUPER_ADMIN,
    ]);
    for (const { role, permissions, customized } of roles) {
      expect(new Set(permissions)).toEqual(new Set(rolePermissions[role]));
      expect(customized).toBe(false);
    }
  });
});

describe("UpdateRole", () => {
  it("changes what the role permits in its tenant alone, with an event", async () => {
    const [here, there] = [await populated(), await populated()];
    const { role } = await as(here.boss).updateRole({ role: Role.USER, permissions: narrow });
    expect(role).toMatchObject({ permissions: [...narrow].sort((a, b) => a - b), customized: true });
    const own = (await as(here.boss).listRoles({})).roles;
    expect(permittedTo(Role.USER, own)).toEqual(role?.permissions);
    const foreign = (await as(there.boss).listRoles({})).roles;
    expect(new Set(permittedTo(Role.USER, foreign))).toEqual(new Set(rolePermissions[Role.USER]));
    const events = await auth.events("role", `${here.id}/USER`);
    expect(events.map(eventType)).toEqual(["RoleUpdated"]);
    expect(events[0]).toMatchObject({ tenantId: here.id, actor: here.boss.subject, version: 1n });
  });

  it("ends the tokens of whoever has the role in the tenant, and nobody else's", async () => {
    const [here, there] = [await populated(), await populated()];
    await as(here.boss).updateRole({ role: Role.USER, permissions: narrow });
    expect(await revokedIn(auth, here.id)).toEqual([{ case: "accountId", value: here.user.subject }]);
    expect(await revokedIn(auth, there.id)).toEqual([]);
  });

  it("counts in the next sign-in, in a refresh and in the profile", async () => {
    const { boss, user, signIn } = await populated();
    const before = await signIn();
    await as(boss).updateRole({ role: Role.USER, permissions: narrow });
    const refreshed = await auth.call().refresh({ refreshToken: before.tokens?.refreshToken ?? "" });
    for (const { tokens } of [refreshed, await signIn()]) {
      expect(decodeJwt(tokens?.accessToken ?? "").permissions).toEqual(["CONSCIOUSNESS_READ", "AGENT_READ"]);
    }
    const { profile } = await auth.call({ principal: user }).getProfile({});
    expect(profile?.permissions).toEqual([...narrow].sort((a, b) => a - b));
  });

  it("takes no permission that the caller lacks, with GRANT_EXCEEDED", async () => {
    const { boss } = await populated();
    await exceeded(
      as(boss).updateRole({ role: Role.DEVELOPER, permissions: [...narrow, Permission.TENANT_ADMIN] }),
    );
  });

  it("takes from nobody what the caller lacks, with GRANT_EXCEEDED", async () => {
    const { boss } = await populated();
    const scoped = { ...boss, permissions: new Set([Permission.ROLE_ADMIN, ...narrow]) };
    await exceeded(as(scoped).updateRole({ role: Role.USER, permissions: narrow }));
  });

  it("changes ADMIN for a SuperAdmin alone, with ROLE_RESERVED", async () => {
    const { id, boss } = await populated();
    const { permissions } = boss;
    const wanted = {
      role: Role.ADMIN,
      permissions: [...permissions].filter((one) => one !== Permission.AUDIT_READ),
    };
    await expectRefusal(as(boss).updateRole(wanted), Code.PermissionDenied, "ROLE_RESERVED");
    const operator = { ...(await member(auth, Role.SUPER_ADMIN)), tenant: id };
    expect((await as(operator).updateRole(wanted)).role?.permissions).toEqual(wanted.permissions);
  });

  it("changes SUPER_ADMIN for nobody, with ROLE_FIXED", async () => {
    const operator: Member = await member(auth, Role.SUPER_ADMIN);
    const attempt = as(operator).updateRole({ role: Role.SUPER_ADMIN, permissions: narrow });
    await expectRefusal(attempt, Code.FailedPrecondition, "ROLE_FIXED");
    const reset = as(operator).resetRole({ role: Role.SUPER_ADMIN });
    await expectRefusal(reset, Code.FailedPrecondition, "ROLE_FIXED");
  });

  it("refuses another state, with ETAG_MISMATCH", async () => {
    const { boss } = await populated();
    const [first] = (await as(boss).listRoles({})).roles;
    const wanted = { role: Role.USER, permissions: narrow, etag: first?.etag ?? "" };
    await as(boss).updateRole(wanted);
    await expectRefusal(as(boss).updateRole(wanted), Code.Aborted, "ETAG_MISMATCH");
  });

  it("keeps both of two changes at once, one after the other", async () => {
    const { id, boss } = await populated();
    const wanted = [narrow, [Permission.AGENT_READ]];
    await Promise.all(wanted.map((permissions) => as(boss).updateRole({ role: Role.USER, permissions })));
    expect((await auth.events("role", `${id}/USER`)).map(({ version }) => version)).toEqual([1n, 2n]);
  });
});

describe("ResetRole", () => {
  it("restores what is shipped, and ends tokens again", async () => {
    const { id, boss } = await populated();
    await as(boss).updateRole({ role: Role.USER, permissions: narrow });
    const { role } = await as(boss).resetRole({ role: Role.USER });
    expect(role).toMatchObject({ permissions: rolePermissions[Role.USER], customized: false });
    expect(await revokedIn(auth, id)).toHaveLength(2);
    await as(boss).updateRole({ role: Role.USER, permissions: narrow });
    const versions = (await auth.events("role", `${id}/USER`)).map(({ version }) => version);
    expect(versions).toEqual([1n, 2n, 3n]);
  });

  it("writes nothing where nothing was changed", async () => {
    const { id, boss } = await populated();
    await as(boss).resetRole({ role: Role.USER });
    expect(await auth.events("role", `${id}/USER`)).toEqual([]);
  });
});
