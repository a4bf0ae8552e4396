import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Role } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Account } from "../../../services/auth/domain/account.js";
import { newId } from "../../../services/kit/ids.js";
import { type Auth, eventType, password, startAuth } from "../support/auth.js";
import { codeOfUri } from "../support/code-of-uri.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { publicAccounts, signedIn } from "../support/signed-in.js";
import { storedText } from "../support/stored-text.js";

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

const newPassword = "four little ducks went out";
const login = ({ username }: Account, given: string) => auth.call().login({ username, password: given });
const refresh = (refreshToken: string) => auth.call().refresh({ refreshToken });
const resetInvalid = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.Unauthenticated, "PASSWORD_RESET_INVALID");
const sessionEnded = (refreshToken: string) =>
  expectRefusal(refresh(refreshToken), Code.Unauthenticated, "REFRESH_TOKEN_INVALID");

async function admin(roles = [Role.ADMIN]) {
  return signedIn(auth, await auth.account({ roles }));
}

async function resetToken(account: Account) {
  const { accounts } = await admin();
  return (await accounts.createPasswordReset({ userId: account.id })).token;
}

describe("ChangePassword", () => {
  it("replaces the password and ends every other session, with an event", async () => {
    const account = await auth.account();
    const other = await signedIn(auth, account);
    const own = await signedIn(auth, account);
    await own.accounts.changePassword({ oldPassword: password, newPassword });
    await expectRefusal(login(account, password), Code.Unauthenticated, "CREDENTIALS_INVALID");
    await expect(login(account, newPassword)).resolves.toBeDefined();
    await sessionEnded(other.refreshToken);
    await expect(refresh(own.refreshToken)).resolves.toBeDefined();
    expect((await auth.events("user", account.id)).map(eventType)).toEqual([
      "UserCreated",
      "PasswordChanged",
    ]);
    const revoked = auth.db.selectFrom("revocations").select("subject").where("subject", "=", other.sid);
    expect(await revoked.execute()).toHaveLength(1);
  });

  it("needs the old password, whose guesses count like failed sign-ins", async () => {
    const account = await auth.account();
    const { accounts } = await signedIn(auth, account);
    const attempt = () => accounts.changePassword({ oldPassword: "a wrong one", newPassword });
    for (let i = 0; i < 5; i++) await expectRefusal(attempt(), Code.PermissionDenied, "PASSWORD_WRONG");
    await expectRefusal(attempt(), Code.ResourceExhausted, "SIGN_IN_DELAYED");
  });

  it("says the same again to whoever lost the first answer", async () => {
    const { accounts } = await signedIn(auth, await auth.account());
    await accounts.changePassword({ oldPassword: password, newPassword });
    await expect(accounts.changePassword({ oldPassword: password, newPassword })).resolves.toBeDefined();
  });

  it.each([
    ["short", "PASSWORD_LENGTH_INVALID"],
    ["password1234", "PASSWORD_TOO_COMMON"],
  ] as const)("refuses %j with %s, and changes nothing", async (given, reason) => {
    const account = await auth.account();
    const { accounts } = await signedIn(auth, account);
    const attempt = accounts.changePassword({ oldPassword: password, newPassword: given });
    await expectRefusal(attempt, Code.InvalidArgument, reason);
    await expect(login(account, password)).resolves.toBeDefined();
  });

  it("refuses a password made of the account's name", async () => {
    const account = await auth.account({
      username: `hypatia${newId().slice(-4)}`,
      email: "hypatia@example.org",
    });
    const { accounts } = await signedIn(auth, account);
    const attempt = accounts.changePassword({ oldPassword: password, newPassword: "Hypatia.2026!" });
    await expectRefusal(attempt, Code.InvalidArgument, "PASSWORD_RESEMBLES_ACCOUNT");
  });

  it("changes nothing when its event cannot be written", async () => {
    const account = await auth.account();
    const { accounts } = await signedIn(auth, account);
    const attempt = () => accounts.changePassword({ oldPassword: password, newPassword });
    await expect(auth.withoutEvents(attempt)).rejects.toThrow();
    await expect(login(account, password)).resolves.toBeDefined();
  });
});

describe("CreatePasswordReset", () => {
  it("gives an administrator a token, of which a hash is stored, for an account of the tenant", async () => {
    const account = await auth.account();
    const { accounts } = await admin();
    const { token, expireTime } = await accounts.createPasswordReset({ userId: account.id });
    expect(token).toMatch(/^cpr_[\w-]{43}$/);
    expect(Number(expireTime?.seconds) * 1000 - auth.time.clock.now()).toBe(1_800_000);
    expect(await storedText(auth, "password_resets")).toContain(account.id);
    for (const table of ["password_resets", "outbox"]) {
      expect(await storedText(auth, table)).not.toContain(token);
    }
    expect((await auth.events("user", account.id)).map(eventType)).toContain("PasswordResetCreated");
  });

  it("knows no account of another tenant, and none that does not exist", async () => {
    await auth.db
      .insertInto("tenants")
      .values({
        id: newId(),
        name: "elsewhere",
        display_name: "",
        version: 1n,
        create_time: new Date(),
        update_time: new Date(),
      })
      .execute();
    const { id: tenant } = await auth.db
      .selectFrom("tenants")
      .select("id")
      .where("name", "=", "elsewhere")
      .executeTakeFirstOrThrow();
    const foreign = await auth.account({ tenant });
    const { accounts } = await admin();
    for (const userId of [foreign.id, newId()]) {
      await expectRefusal(accounts.createPasswordReset({ userId }), Code.NotFound, "ACCOUNT_NOT_FOUND");
      await expectRefusal(accounts.unlockAccount({ userId }), Code.NotFound, "ACCOUNT_NOT_FOUND");
    }
  });

  it("gives nobody an account that is permitted more than they are", async () => {
    const superAdmin = await auth.account({ roles: [Role.SUPER_ADMIN] });
    const { accounts } = await admin();
    const attempt = accounts.createPasswordReset({ userId: superAdmin.id });
    await expectRefusal(attempt, Code.PermissionDenied, "RIGHTS_EXCEEDED");
    const drop = accounts.unlockAccount({ userId: superAdmin.id, dropSecondFactor: true });
    await expectRefusal(drop, Code.PermissionDenied, "RIGHTS_EXCEEDED");
    const highest = await admin([Role.SUPER_ADMIN]);
    await expect(highest.accounts.createPasswordReset({ userId: superAdmin.id })).resolves.toBeDefined();
  });
});

describe("an administrator's own account", () => {
  const own = (attempt: Promise<unknown>) =>
    expectRefusal(attempt, Code.FailedPrecondition, "OWN_ACCOUNT").then(({ rawMessage }) => rawMessage);

  it("gets no new password past the old one, with OWN_ACCOUNT", async () => {
    const account = await auth.account({ roles: [Role.SUPER_ADMIN] });
    const { accounts } = await signedIn(auth, account);
    expect(await own(accounts.createPasswordReset({ userId: account.id }))).toContain("ChangePassword");
    expect(await storedText(auth, "password_resets")).not.toContain(account.id);
  });

  it("keeps its second factor, with OWN_ACCOUNT, while its delays may end", async () => {
    const account = await auth.account({ roles: [Role.ADMIN] });
    const { accounts } = await signedIn(auth, account);
    const drop = accounts.unlockAccount({ userId: account.id, dropSecondFactor: true });
    expect(await own(drop)).toContain("RemoveSecondFactor");
    await expect(accounts.unlockAccount({ userId: account.id })).resolves.toBeDefined();
  });
});

describe("ResetPassword", () => {
  it("sets the password once, ends all sessions and outdates all tokens", async () => {
    const account = await auth.account();
    const session = await signedIn(auth, account);
    const token = await resetToken(account);
    await publicAccounts(auth).resetPassword({ token, newPassword });
    await expect(login(account, newPassword)).resolves.toBeDefined();
    await sessionEnded(session.refreshToken);
    await resetInvalid(publicAccounts(auth).resetPassword({ token, newPassword }));
    const users = auth.db.selectFrom("users").select("epoch").where("id", "=", account.id);
    expect(await users.execute()).toEqual([{ epoch: 1 }]);
  });

  it("works for 30 minutes", async () => {
    const [first, second] = [await auth.account(), await auth.account()];
    const tokens = [await resetToken(first), await resetToken(second)] as const;
    auth.time.advance(1_799_999);
    await publicAccounts(auth).resetPassword({ token: tokens[0], newPassword });
    auth.time.advance(1);
    await resetInvalid(publicAccounts(auth).resetPassword({ token: tokens[1], newPassword }));
  });

  it("takes the newest token of an account alone, of two at once one, and none of a disabled account", async () => {
    const account = await auth.account();
    const older = await resetToken(account);
    const token = await resetToken(account);
    await resetInvalid(publicAccounts(auth).resetPassword({ token: older, newPassword }));
    const attempts = [1, 2].map(() => publicAccounts(auth).resetPassword({ token, newPassword }));
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const another = await resetToken(account);
    await auth.disable(account);
    await resetInvalid(publicAccounts(auth).resetPassword({ token: another, newPassword }));
  });

  it("keeps the token when the password will not do", async () => {
    const account = await auth.account();
    const token = await resetToken(account);
    const attempt = publicAccounts(auth).resetPassword({ token, newPassword: "password1234" });
    await expectRefusal(attempt, Code.InvalidArgument, "PASSWORD_TOO_COMMON");
    await expect(publicAccounts(auth).resetPassword({ token, newPassword })).resolves.toBeDefined();
  });

  it("leaves the second factor as it is", async () => {
    const account = await auth.account();
    const { accounts } = await signedIn(auth, account);
    const { otpauthUri } = await accounts.setUpSecondFactor({ password });
    await accounts.confirmSecondFactor({ code: codeOfUri(otpauthUri, auth.time.clock.now()) });
    const token = await resetToken(account);
    await publicAccounts(auth).resetPassword({ token, newPassword });
    await expectRefusal(login(account, newPassword), Code.Unauthenticated, "SECOND_FACTOR_REQUIRED");
  });

  it.each(["", "cpr_", "' or 1=1 --", "\0"])("refuses %j for a token", async (token) => {
    await resetInvalid(publicAccounts(auth).resetPassword({ token, newPassword }));
  });
});

describe("UnlockAccount", () => {
  const lock = async (account: Account) => {
    for (let i = 0; i < 5; i++) await login(account, "a wrong one").catch(() => undefined);
    await expectRefusal(login(account, password), Code.ResourceExhausted, "SIGN_IN_DELAYED");
  };

  it("lets an account sign in at once that was delayed, and records it", async () => {
    const account = await auth.account();
    await lock(account);
    const { accounts } = await admin();
    await accounts.unlockAccount({ userId: account.id });
    await expect(login(account, password)).resolves.toBeDefined();
    expect((await auth.events("user", account.id)).map(eventType)).toContain("AccountUnlocked");
  });

  it("drops the second factor on request alone, and ends the sessions then", async () => {
    const account = await auth.account();
    const own = await signedIn(auth, account);
    const { otpauthUri } = await own.accounts.setUpSecondFactor({ password });
    await own.accounts.confirmSecondFactor({ code: codeOfUri(otpauthUri, auth.time.clock.now()) });
    const { accounts } = await admin();
    await accounts.unlockAccount({ userId: account.id });
    await expectRefusal(login(account, password), Code.Unauthenticated, "SECOND_FACTOR_REQUIRED");
    await accounts.unlockAccount({ userId: account.id, dropSecondFactor: true });
    await sessionEnded(own.refreshToken);
    await expect(login(account, password)).resolves.toBeDefined();
  });
});

describe("RequestPasswordReset", () => {
  it("is refused with MAIL_NOT_CONFIGURED where no mail is sent, whoever is asked for", async () => {
    const { username } = await auth.account({ email: `${newId()}@example.org` });
    for (const account of [username, "nobody"]) {
      const attempt = publicAccounts(auth).requestPasswordReset({ account });
      await expectRefusal(attempt, Code.FailedPrecondition, "MAIL_NOT_CONFIGURED");
    }
  });
});
