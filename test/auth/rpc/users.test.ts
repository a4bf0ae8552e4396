import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { type User, UsersService } from "#gen/ts/consciousness/auth/v1/users_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { hasRole } from "../../../services/auth/store/super-admins.js";
import type { Principal } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import { type Auth, eventType, password, startAuth } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { methodsOf } from "../support/methods.js";
import { type Member, member, newTenant, revokedIn } from "../support/tenants.js";

let auth: Auth;
let admin: Member;
let operator: Member;
let foreign: Member;
beforeAll(async () => {
  auth = await startAuth();
  admin = await member(auth, Role.ADMIN);
  operator = await member(auth, Role.SUPER_ADMIN);
  foreign = await member(auth, Role.ADMIN, { tenant: (await newTenant(auth)).id });
});
afterAll(() => auth.stop());

const as = (principal: Principal) => methodsOf(auth.served, UsersService, { principal });
const update = (principal: Principal, user: object, ...paths: string[]) =>
  as(principal).updateUser({ user, ...(paths.length > 0 && { updateMask: { paths } }) });
const idsOf = (users: readonly User[]) => users.map(({ id }) => id);
const missing = (attempt: Promise<unknown>) => expectRefusal(attempt, Code.NotFound, "ACCOUNT_NOT_FOUND");
const exceeded = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.PermissionDenied, "GRANT_EXCEEDED");
const outranked = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.PermissionDenied, "RIGHTS_EXCEEDED");

/** A tenant of its own with an administrator and two users. */
async function populated() {
  const { id } = await newTenant(auth);
  const inside = (role: Role, username: string, changes = {}) =>
    member(auth, role, { tenant: id, username, ...changes });
  return {
    id,
    boss: await inside(Role.ADMIN, "boss"),
    ada: await inside(Role.USER, "ada"),
    adam: await inside(Role.USER, "adam_%", { active: false }),
  };
}

describe("ListUsers", () => {
  it("lists the accounts of the caller's tenant alone, newest first", async () => {
    const [here, there] = [await populated(), await populated()];
    const { users } = await as(here.boss).listUsers({});
    expect(idsOf(users)).toEqual([here.adam.subject, here.ada.subject, here.boss.subject]);
    expect(idsOf((await as(there.boss).listUsers({})).users)).toContain(there.ada.subject);
    expect(users[1]).toMatchObject({ username: "ada", roles: [Role.USER], active: true });
    expect(users[1]?.permissions).toContain(Permission.AGENT_READ);
  });

  it.each<[string, object, string[]]>([
    ["a role", { role: Role.ADMIN }, ["boss"]],
    ["active ones", { active: true }, ["ada", "boss"]],
    ["disabled ones", { active: false }, ["adam_%"]],
    ["a prefix of the name", { usernamePrefix: "ada" }, ["adam_%", "ada"]],
    ["a prefix that looks like a pattern", { usernamePrefix: "%" }, []],
    ["a prefix with characters of patterns", { usernamePrefix: "adam_%" }, ["adam_%"]],
    ["several at once", { role: Role.USER, active: true, usernamePrefix: "a" }, ["ada"]],
  ])("filters by %s", async (_, filter, names) => {
    const { boss } = await populated();
    const { users } = await as(boss).listUsers(filter);
    expect(users.map(({ username }) => username)).toEqual(names);
  });

  it("goes on by page tokens, which are good for their tenant and query alone", async () => {
    const [here, there] = [await populated(), await populated()];
    const first = await as(here.boss).listUsers({ pageSize: 2 });
    expect(first.users).toHaveLength(2);
    const pageToken = first.nextPageToken;
    const second = await as(here.boss).listUsers({ pageSize: 2, pageToken });
    expect(idsOf(second.users)).toEqual([here.boss.subject]);
    expect(second.nextPageToken).toBe("");
    for (const [principal, filter] of [
      [there.boss, {}],
      [here.boss, { active: true }],
    ] as const) {
      const attempt = as(principal).listUsers({ ...filter, pageToken });
      await expectRefusal(attempt, Code.InvalidArgument, "PAGE_TOKEN_INVALID");
    }
  });
});

describe("GetUser", () => {
  it("answers an account of the tenant, and none of another", async () => {
    const { account, subject: id } = await member(auth, Role.USER);
    expect((await as(admin).getUser({ id })).user).toMatchObject({ id, username: account.username });
    await missing(as(foreign).getUser({ id }));
    await missing(as(admin).getUser({ id: newId() }));
  });

  it("answers an account of the tenant in which who administers tenants acts", async () => {
    const { subject: id } = foreign;
    await missing(as(operator).getUser({ id }));
    const acting = { ...operator, tenant: foreign.tenant };
    expect((await as(acting).getUser({ id })).user?.id).toBe(id);
  });
});

describe("UpdateUser", () => {
  it("changes what the mask names, with an event", async () => {
    const { subject: id } = await member(auth, Role.USER);
    const { user } = await update(admin, { id, roles: [Role.DEVELOPER], active: false }, "roles");
    expect(user).toMatchObject({ id, roles: [Role.DEVELOPER], active: true, tier: Tier.ADVANCED });
    expect(user?.permissions).toContain(Permission.ANALYTICS_READ);
    const events = await auth.events("user", id);
    expect(events.map(eventType)).toEqual(["UserCreated", "UserUpdated"]);
    expect(events[1]).toMatchObject({ actor: admin.subject, version: 2n });
  });

  it.each<[string, object]>([
    ["roles", { roles: [] }],
    ["tier", { tier: Tier.BASIC }],
    ["active", { active: false }],
  ])("ends the account's tokens when its %s change", async (path, change) => {
    const { id: tenant, boss, ada } = await populated();
    await update(boss, { id: ada.subject, ...change }, path);
    expect(await revokedIn(auth, tenant)).toEqual([{ case: "accountId", value: ada.subject }]);
  });

  it("ends no token for another address", async () => {
    const { id: tenant, boss, ada } = await populated();
    const { user } = await update(boss, { id: ada.subject, email: "ada@example.org" }, "email");
    expect(user?.email).toBe("ada@example.org");
    expect(await revokedIn(auth, tenant)).toEqual([]);
  });

  it("takes an address that another tenant's account has, and refuses one of its own, with EMAIL_TAKEN", async () => {
    const [here, there] = [await populated(), await populated()];
    const email = "ada@example.org";
    await update(there.boss, { id: there.ada.subject, email }, "email");
    await update(here.boss, { id: here.ada.subject, email }, "email");
    const attempt = update(here.boss, { id: here.adam.subject, email }, "email");
    await expectRefusal(attempt, Code.AlreadyExists, "EMAIL_TAKEN");
  });

  it("lets a disabled account neither sign in nor refresh", async () => {
    const { account, subject: id } = await member(auth, Role.USER);
    const signIn = () => auth.call().login({ username: account.username, password });
    const { tokens } = await signIn();
    await update(admin, { id, active: false }, "active");
    await expectRefusal(signIn(), Code.PermissionDenied, "ACCOUNT_DISABLED");
    const refresh = auth.call().refresh({ refreshToken: tokens?.refreshToken ?? "" });
    await expectRefusal(refresh, Code.PermissionDenied, "ACCOUNT_DISABLED");
  });

  it("refuses an account of another tenant, another state and a path that is none", async () => {
    const { subject: id } = await member(auth, Role.USER);
    await missing(update(foreign, { id, active: false }, "active"));
    const { user } = await as(admin).getUser({ id });
    expect(user?.active).toBe(true);
    await update(admin, { id, etag: user?.etag, tier: Tier.BASIC }, "tier");
    const late = update(admin, { id, etag: user?.etag, active: false }, "active");
    await expectRefusal(late, Code.Aborted, "ETAG_MISMATCH");
    const forbidden = update(admin, { id }, "password_hash");
    await expectRefusal(forbidden, Code.InvalidArgument, "FIELD_MASK_INVALID");
  });

  it("ignores a path of what only the server sets", async () => {
    const { account, subject: id } = await member(auth, Role.USER);
    const { user } = await update(admin, { id, username: "root" }, "username");
    expect(user?.username).toBe(account.username);
  });

  it("keeps what only the server sets, whatever an update without a mask sends", async () => {
    const { account, subject: id } = await member(auth, Role.USER);
    const sent = {
      id,
      username: "root",
      permissions: [Permission.TENANT_ADMIN],
      roles: [Role.USER],
      active: true,
    };
    const { user } = await update(admin, { ...sent, tier: Tier.ADVANCED });
    expect(user).toMatchObject({ username: account.username });
    expect(user?.permissions).not.toContain(Permission.TENANT_ADMIN);
  });

  it("gives no role that permits more than the caller, with GRANT_EXCEEDED", async () => {
    const { subject: id } = await member(auth, Role.USER);
    await exceeded(update(admin, { id, roles: [Role.SUPER_ADMIN] }, "roles"));
    await update(admin, { id, roles: [Role.ADMIN] }, "roles");
    await update(operator, { id, roles: [Role.SUPER_ADMIN] }, "roles");
  });

  it("raises nobody, the caller neither", async () => {
    await exceeded(update(admin, { id: admin.subject, roles: [Role.ADMIN, Role.SUPER_ADMIN] }, "roles"));
  });

  it("gives no tier above the caller's own, with GRANT_EXCEEDED, but for who administers tenants", async () => {
    const { subject: id } = await member(auth, Role.USER);
    await exceeded(update(admin, { id, tier: Tier.ENTERPRISE }, "tier"));
    expect((await update(operator, { id, tier: Tier.RESEARCH }, "tier")).user?.tier).toBe(Tier.RESEARCH);
  });

  it("changes no account that is permitted more than the caller, with RIGHTS_EXCEEDED", async () => {
    const target = await member(auth, Role.SUPER_ADMIN);
    await outranked(update(admin, { id: target.subject, active: false }, "active"));
    await outranked(update(admin, { id: target.subject, email: "mine@example.org" }, "email"));
    const scoped = { ...admin, permissions: new Set([Permission.USER_ADMIN]), roles: [] };
    await outranked(update(scoped, { id: (await member(auth, Role.USER)).subject, active: false }, "active"));
    await update(operator, { id: target.subject, active: false }, "active");
  });
});

describe("the last active SuperAdmin", () => {
  /** Leaves the platform with these SuperAdmins alone. */
  const leave = async (...kept: Member[]) => {
    const ids = kept.map(({ subject }) => subject);
    await auth.db
      .updateTable("users")
      .set({ active: false })
      .where(hasRole(Role.SUPER_ADMIN))
      .where("users.id", "not in", ids)
      .execute();
  };

  it.each<[string, object]>([
    ["roles", { roles: [Role.ADMIN] }],
    ["active", { active: false }],
  ])("keeps its %s, with LAST_SUPER_ADMIN", async (path, change) => {
    const last = await member(auth, Role.SUPER_ADMIN);
    await leave(last);
    const attempt = update(last, { id: last.subject, ...change }, path);
    await expectRefusal(attempt, Code.FailedPrecondition, "LAST_SUPER_ADMIN");
    expect((await as(last).getUser({ id: last.subject })).user).toMatchObject({
      roles: [Role.SUPER_ADMIN],
      active: true,
    });
  });

  it("stays when two step down at once", async () => {
    const two = [await member(auth, Role.SUPER_ADMIN), await member(auth, Role.SUPER_ADMIN)] as const;
    await leave(...two);
    const outcomes = await Promise.allSettled(
      two.map((one) => update(one, { id: one.subject, roles: [Role.USER] }, "roles")),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("EndUserSessions", () => {
  it("ends every session of the account, with events", async () => {
    const { account, subject: id } = await member(auth, Role.USER);
    const signIn = () => auth.call().login({ username: account.username, password });
    const sessions = [await signIn(), await signIn()];
    await as(admin).endUserSessions({ id });
    for (const { tokens } of sessions) {
      const refresh = auth.call().refresh({ refreshToken: tokens?.refreshToken ?? "" });
      await expectRefusal(refresh, Code.Unauthenticated, "REFRESH_TOKEN_INVALID");
    }
    await expect(signIn()).resolves.toBeDefined();
  });

  it("refuses an account of another tenant, and one that is permitted more", async () => {
    const { subject: id } = await member(auth, Role.USER);
    await missing(as(foreign).endUserSessions({ id }));
    await outranked(as(admin).endUserSessions({ id: operator.subject }));
  });
});
