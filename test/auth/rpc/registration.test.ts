import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { newId } from "../../../services/kit/ids.js";
import { type Auth, eventType, startAuth, startService, testConfig } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { methodsOf } from "../support/methods.js";
import { publicAccounts, signedIn } from "../support/signed-in.js";
import { storedText } from "../support/stored-text.js";

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
  await auth.db
    .insertInto("tenants")
    .values(["open", "closed"].map((name) => tenantOf(name)))
    .execute();
});
afterAll(() => auth.stop());

const password = "four little ducks went out";
const freshName = () => `user-${newId()}`;
const admin = async (roles = [Role.ADMIN], tier = Tier.ENTERPRISE) =>
  signedIn(auth, await auth.account({ roles, tier }));
const register = (request: Parameters<ReturnType<typeof publicAccounts>["register"]>[0]) =>
  publicAccounts(auth).register({ password, ...request });
const login = (username: string, tenant = "") => auth.call().login({ tenant, username, password });
const invalid = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.Unauthenticated, "INVITATION_INVALID");

function tenantOf(name: string) {
  const now = new Date();
  const open_registration = name === "open";
  return {
    id: newId(),
    name,
    display_name: name,
    open_registration,
    version: 1n,
    create_time: now,
    update_time: now,
  };
}

describe("an invitation", () => {
  it("lets somebody in once, with its roles, tier and address", async () => {
    const { accounts, principal } = await admin();
    const email = `${newId()}@example.org`;
    const { invitation, token } = await accounts.createInvitation({
      email,
      roles: [Role.DEVELOPER],
      tier: Tier.ADVANCED,
    });
    expect(invitation).toMatchObject({ email, roles: [Role.DEVELOPER], inviterId: principal.subject });
    const username = freshName();
    const { userId } = await register({ invitationToken: token, username });
    const { profile } = await login(username);
    expect(profile).toMatchObject({ id: userId, email, roles: [Role.DEVELOPER], tier: Tier.ADVANCED });
    await invalid(register({ invitationToken: token, username: freshName() }));
    const types = (await auth.events("invitation", invitation?.id ?? "")).map(eventType);
    expect(types).toEqual(["InvitationCreated", "InvitationAccepted"]);
    expect((await auth.events("user", userId)).map(eventType)).toEqual(["UserCreated"]);
  });

  it("is kept by a hash, and its token is not shown again for an idempotency key", async () => {
    const { once } = await admin();
    const calls = once(newId());
    const first = await calls.createInvitation({});
    const again = await calls.createInvitation({});
    expect(first.token).toMatch(/^cin_[\w-]{43}$/);
    expect(again).toMatchObject({ invitation: { id: first.invitation?.id }, token: "" });
    expect(await storedText(auth, "invitations")).toContain(first.invitation?.id);
    for (const table of ["invitations", "idempotency_keys", "outbox"]) {
      expect(await storedText(auth, table)).not.toContain(first.token);
    }
  });

  it("ends when it expires or is revoked, and is revoked once", async () => {
    const { accounts } = await admin();
    const short = await accounts.createInvitation({ expireHours: 1 });
    const revoked = await accounts.createInvitation({});
    const id = revoked.invitation?.id ?? "";
    await accounts.revokeInvitation({ id });
    await invalid(register({ invitationToken: revoked.token, username: freshName() }));
    await expectRefusal(accounts.revokeInvitation({ id }), Code.NotFound, "INVITATION_NOT_FOUND");
    auth.time.advance(3_600_000);
    await invalid(register({ invitationToken: short.token, username: freshName() }));
  });

  it("lets one in of two who come at once", async () => {
    const { accounts } = await admin();
    const { token } = await accounts.createInvitation({});
    const attempts = [1, 2].map(() => register({ invitationToken: token, username: freshName() }));
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("is not used up by a registration that fails", async () => {
    const { accounts, principal } = await admin();
    const { token } = await accounts.createInvitation({});
    const taken = register({ invitationToken: token, username: principal.username });
    await expectRefusal(taken, Code.AlreadyExists, "USERNAME_TAKEN");
    await expect(register({ invitationToken: token, username: freshName() })).resolves.toBeDefined();
  });

  it.each([
    ["a role beyond the inviter's", { roles: [Role.SUPER_ADMIN] }],
    ["a tier beyond the inviter's", { tier: Tier.RESEARCH }],
  ])("is refused with GRANT_EXCEEDED for %s", async (_, request) => {
    const { accounts } = await admin();
    await expectRefusal(accounts.createInvitation(request), Code.PermissionDenied, "GRANT_EXCEEDED");
  });

  it("may give what the inviter has", async () => {
    const { accounts } = await admin([Role.SUPER_ADMIN], Tier.RESEARCH);
    const request = { roles: [Role.SUPER_ADMIN], tier: Tier.RESEARCH };
    await expect(accounts.createInvitation(request)).resolves.toBeDefined();
  });

  it("tells an administrator, and whoever it is for, that its address is taken", async () => {
    const { accounts } = await admin();
    const email = `${newId()}@example.org`;
    const { token } = await accounts.createInvitation({ email });
    await auth.account({ email });
    await expectRefusal(accounts.createInvitation({ email }), Code.AlreadyExists, "EMAIL_TAKEN");
    const attempt = register({ invitationToken: token, username: freshName() });
    await expectRefusal(attempt, Code.AlreadyExists, "EMAIL_TAKEN");
  });

  it("is listed to its tenant alone, newest first, in pages", async () => {
    const { accounts, principal } = await admin();
    const made = [];
    for (let i = 0; i < 3; i++) made.unshift((await accounts.createInvitation({})).invitation?.id);
    const first = await accounts.listInvitations({ pageSize: 2 });
    const { nextPageToken: pageToken } = first;
    const second = await accounts.listInvitations({ pageSize: 2, pageToken });
    const ids = [...first.invitations, ...second.invitations].map(({ id }) => id);
    expect(ids.slice(0, 3)).toEqual(made);
    const stranger = { ...principal, tenant: "elsewhere", home: "elsewhere" };
    const elsewhere = methodsOf(auth.served, AccountsService, { principal: stranger });
    expect((await elsewhere.listInvitations({})).invitations).toEqual([]);
    const revoke = elsewhere.revokeInvitation({ id: made[0] ?? "" });
    await expectRefusal(revoke, Code.NotFound, "INVITATION_NOT_FOUND");
    await expectRefusal(elsewhere.listInvitations({ pageToken }), Code.InvalidArgument, "PAGE_TOKEN_INVALID");
  });

  it("names its tenant, and fits no other", async () => {
    const { accounts } = await admin();
    const { token } = await accounts.createInvitation({});
    await invalid(register({ tenant: "open", invitationToken: token, username: freshName() }));
    await invalid(register({ tenant: "nowhere", invitationToken: token, username: freshName() }));
    await expect(
      register({ tenant: "default", invitationToken: token, username: freshName() }),
    ).resolves.toBeDefined();
  });

  it.each(["cin_unknown", "\0", "' or 1=1 --"])("is not %j", async (invitationToken) => {
    await invalid(register({ invitationToken, username: freshName() }));
  });
});

describe("registration without an invitation", () => {
  const closed = (attempt: Promise<unknown>) =>
    expectRefusal(attempt, Code.PermissionDenied, "REGISTRATION_CLOSED");

  it("needs an open tenant, and tells closed from unknown ones in no way", async () => {
    await closed(register({ username: freshName() }));
    await closed(register({ tenant: "closed", username: freshName() }));
    await closed(register({ tenant: "nowhere", username: freshName() }));
    const username = freshName();
    await register({ tenant: "open", username });
    const { profile } = await login(username, "open");
    expect(profile).toMatchObject({ roles: [Role.USER], tier: Tier.BASIC, email: "" });
  });

  it("is open in the default tenant where the configuration says so, and in no other", async () => {
    const config = { ...testConfig, accounts: { ...testConfig.accounts, openRegistration: true } };
    const platform = { clock: auth.time.clock, database: async () => auth.database };
    const { register: open } = methodsOf(await startService(config, platform), AccountsService);
    await expect(open({ username: freshName(), password })).resolves.toBeDefined();
    await closed(open({ tenant: "closed", username: freshName(), password }));
  });

  it("tells that a name is taken, and that a password will not do", async () => {
    const username = freshName();
    await register({ tenant: "open", username });
    await expectRefusal(register({ tenant: "open", username }), Code.AlreadyExists, "USERNAME_TAKEN");
    const weak = register({ tenant: "open", username: "hypatia", password: "hypatia-2026" });
    await expectRefusal(weak, Code.InvalidArgument, "PASSWORD_RESEMBLES_ACCOUNT");
  });

  it("takes an address only where mail can confirm it", async () => {
    const attempt = register({ tenant: "open", username: freshName(), email: "ada@example.org" });
    await expectRefusal(attempt, Code.FailedPrecondition, "MAIL_NOT_CONFIGURED");
  });

  it("makes no account when its event cannot be written", async () => {
    const username = freshName();
    await expect(auth.withoutEvents(() => register({ tenant: "open", username }))).rejects.toThrow();
    await expectRefusal(login(username, "open"), Code.Unauthenticated, "CREDENTIALS_INVALID");
  });
});
