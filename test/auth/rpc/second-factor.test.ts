import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SecondFactorMode } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import type { Account } from "../../../services/auth/domain/account.js";
import { codeOf, stepOf } from "../../../services/auth/domain/totp.js";
import type { Client } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import {
  type Auth,
  callable,
  eventType,
  password,
  startAuth,
  startService,
  testConfig,
} from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { signedIn } from "../support/signed-in.js";
import { storedText } from "../support/stored-text.js";

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
function decode(secret: string): Uint8Array {
  const bits = [...secret].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  return Uint8Array.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

const codeNow = (secret: string, steps = 0) => codeOf(decode(secret), stepOf(auth.time.clock.now()) + steps);

async function enabled(mode = SecondFactorMode.UNSPECIFIED, client?: Client) {
  const account = await auth.account();
  const own = await signedIn(auth, account, client);
  const { secret } = await own.accounts.setUpSecondFactor({ password, mode });
  const { recoveryCodes } = await own.accounts.confirmSecondFactor({ code: codeNow(secret) });
  // The code that confirmed is used up.
  auth.time.advance(30_000);
  return { account, own, secret, recoveryCodes };
}

const login = ({ username }: Account, secondFactorCode = "", client?: Client) =>
  auth.call({ ...(client && { client }) }).login({ username, password, secondFactorCode });
const required = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.Unauthenticated, "SECOND_FACTOR_REQUIRED");
const invalid = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.Unauthenticated, "SECOND_FACTOR_INVALID");

describe("setting up a second factor", () => {
  it("gives a secret and its URI, and asks for no code until one was shown", async () => {
    const account = await auth.account();
    const { accounts } = await signedIn(auth, account);
    const { secret, otpauthUri } = await accounts.setUpSecondFactor({ password });
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(new URL(otpauthUri).searchParams.get("secret")).toBe(secret);
    await expect(login(account)).resolves.toBeDefined();
    await accounts.confirmSecondFactor({ code: codeNow(secret) });
    await required(login(account));
  });

  it("keeps the secret sealed and the recovery codes hashed", async () => {
    const { secret, recoveryCodes } = await enabled();
    const raw = Buffer.from(decode(secret)).toString("latin1");
    for (const table of ["second_factors", "recovery_codes", "idempotency_keys", "outbox"]) {
      const stored = await storedText(auth, table);
      expect([secret, raw, ...recoveryCodes].filter((text) => stored.includes(text))).toEqual([]);
    }
    expect(new Set(recoveryCodes).size).toBe(10);
  });

  it("needs the password, whose guesses count like failed sign-ins", async () => {
    const account = await auth.account();
    const { accounts } = await signedIn(auth, account);
    const attempt = () => accounts.setUpSecondFactor({ password: "a wrong one" });
    for (let i = 0; i < 5; i++) await expectRefusal(attempt(), Code.PermissionDenied, "PASSWORD_WRONG");
    await expectRefusal(attempt(), Code.ResourceExhausted, "SIGN_IN_DELAYED");
    await expectRefusal(login(account), Code.ResourceExhausted, "SIGN_IN_DELAYED");
  });

  it("is refused while there is one, and confirming without one that waits", async () => {
    const { own, secret } = await enabled();
    const again = own.accounts.setUpSecondFactor({ password });
    await expectRefusal(again, Code.FailedPrecondition, "SECOND_FACTOR_SET_UP");
    const confirm = own.accounts.confirmSecondFactor({ code: codeNow(secret) });
    await expectRefusal(confirm, Code.FailedPrecondition, "SECOND_FACTOR_SET_UP");
    const { accounts } = await signedIn(auth, await auth.account());
    const none = accounts.confirmSecondFactor({ code: "123456" });
    await expectRefusal(none, Code.FailedPrecondition, "SECOND_FACTOR_NOT_SET_UP");
  });

  it("is not confirmed by a wrong code, nor by one of an earlier secret", async () => {
    const account = await auth.account();
    const { accounts } = await signedIn(auth, account);
    const { secret: earlier } = await accounts.setUpSecondFactor({ password });
    await accounts.setUpSecondFactor({ password });
    await invalid(accounts.confirmSecondFactor({ code: codeNow(earlier) }));
    await expect(login(account)).resolves.toBeDefined();
  });

  it("ends the other sessions, goes on with its own, and is recorded", async () => {
    const account = await auth.account();
    const other = await signedIn(auth, account);
    const own = await signedIn(auth, account);
    const { secret } = await own.accounts.setUpSecondFactor({ password });
    await own.accounts.confirmSecondFactor({ code: codeNow(secret) });
    const refresh = (refreshToken: string) => auth.call().refresh({ refreshToken });
    await expectRefusal(refresh(other.refreshToken), Code.Unauthenticated, "REFRESH_TOKEN_INVALID");
    await expect(refresh(own.refreshToken)).resolves.toBeDefined();
    const types = (await auth.events("user", account.id)).map(eventType);
    expect(types).toEqual(["UserCreated", "SecondFactorBegun", "SecondFactorEnabled"]);
    const revoked = auth.db.selectFrom("revocations").select("kind").where("subject", "=", other.sid);
    expect(await revoked.execute()).toEqual([{ kind: "SESSION" }]);
  });

  it("answers a repeated confirmation without the codes that it has shown", async () => {
    const own = await signedIn(auth, await auth.account());
    const { secret } = await own.accounts.setUpSecondFactor({ password });
    const calls = own.once(newId());
    const code = codeNow(secret);
    expect((await calls.confirmSecondFactor({ code })).recoveryCodes).toHaveLength(10);
    expect((await calls.confirmSecondFactor({ code })).recoveryCodes).toEqual([]);
  });
});

describe("signing in with a second factor", () => {
  it("asks for it after the right password alone", async () => {
    const { account, secret } = await enabled();
    const wrong = auth.call().login({
      username: account.username,
      password: "a wrong one",
      secondFactorCode: codeNow(secret),
    });
    await expectRefusal(wrong, Code.Unauthenticated, "CREDENTIALS_INVALID");
    await required(login(account));
    await expect(login(account, codeNow(secret))).resolves.toBeDefined();
  });

  it.each([-1, 0, 1])("takes the code that is %i steps away", async (steps) => {
    const { account, secret } = await enabled();
    auth.time.advance(30_000);
    await expect(login(account, codeNow(secret, steps))).resolves.toBeDefined();
  });

  it.each([-2, 2])("refuses the code that is %i steps away", async (steps) => {
    const { account, secret } = await enabled();
    auth.time.advance(90_000);
    await invalid(login(account, codeNow(secret, steps)));
  });

  it("takes a code once, whatever replica saw it first", async () => {
    const { account, secret } = await enabled();
    const platform = { clock: auth.time.clock, database: async () => auth.database };
    const other = callable(await startService(testConfig, platform));
    const credentials = { username: account.username, password, secondFactorCode: codeNow(secret) };
    const both = await Promise.allSettled([auth.call().login(credentials), other.login(credentials)]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await invalid(other.login(credentials));
    await invalid(login(account, codeNow(secret, -1)));
  });

  it("takes each recovery code once, however it is typed", async () => {
    const { account, recoveryCodes } = await enabled();
    const [first = "", second = ""] = recoveryCodes;
    await expect(login(account, first)).resolves.toBeDefined();
    await invalid(login(account, first));
    await expect(login(account, ` ${second.toUpperCase().replaceAll("-", "")} `)).resolves.toBeDefined();
    expect((await auth.events("user", account.id)).map(eventType)).toContain("RecoveryCodeUsed");
  });

  it("takes no recovery code of another account", async () => {
    const [ada, bob] = [await enabled(), await enabled()];
    await invalid(login(ada.account, bob.recoveryCodes[0]));
  });

  it("counts wrong codes like wrong passwords, and a right password forgets none", async () => {
    const { account, secret } = await enabled();
    for (let i = 0; i < 5; i++) {
      await required(login(account));
      await invalid(login(account, "xxxxxx"));
    }
    await expectRefusal(login(account, codeNow(secret)), Code.ResourceExhausted, "SIGN_IN_DELAYED");
  });
});

describe("a second factor for unfamiliar clients", () => {
  const home = { address: "192.0.2.10", agent: "Browser/1.0" };
  const unfamiliar = SecondFactorMode.UNFAMILIAR_ONLY;

  it.each<[string, Client, boolean]>([
    ["the known network and program", { address: "192.0.2.77", agent: "Browser/1.0" }, false],
    ["a new program in the known network", { address: "192.0.2.10", agent: "Phone/1" }, false],
    ["the known program in a new network", { address: "198.51.100.1", agent: "Browser/1.0" }, false],
    ["a new program in a new network", { address: "198.51.100.1", agent: "Phone/1" }, true],
    ["a client of which nothing is known", { address: "", agent: "" }, true],
  ])("is asked from %s: %s %s", async (_, client, asked) => {
    const { account, secret } = await enabled(unfamiliar, home);
    if (!asked) await expect(login(account, "", client)).resolves.toBeDefined();
    else {
      await required(login(account, "", client));
      await expect(login(account, codeNow(secret), client)).resolves.toBeDefined();
    }
  });

  it("is not asked again from a client that has shown a code, for 90 days", async () => {
    const { account, secret } = await enabled(unfamiliar, home);
    const phone = { address: "198.51.100.1", agent: "Phone/1" };
    await login(account, codeNow(secret), phone);
    await expect(login(account, "", phone)).resolves.toBeDefined();
    auth.time.advance(90 * 86_400_000);
    await required(login(account, "", phone));
  });

  it("remembers the latest 20 networks, and by no plain address", async () => {
    const { account, secret } = await enabled(unfamiliar, home);
    for (let i = 0; i < 21; i++) {
      auth.time.advance(30_000);
      await login(account, codeNow(secret), { address: `198.51.${i}.1`, agent: "Browser/1.0" });
    }
    const rows = auth.db.selectFrom("familiar_clients").selectAll().where("user_id", "=", account.id);
    const networks = (await rows.execute()).filter(({ kind }) => kind === "NETWORK");
    expect(networks).toHaveLength(20);
    expect(networks.every(({ hash }) => hash.length === 32)).toBe(true);
    await required(login(account, "", { address: home.address, agent: "Phone/1" }));
  });
});

describe("removing a second factor", () => {
  it("needs password and code, ends the other sessions, and asks no more", async () => {
    const { account, own, secret } = await enabled();
    const other = await login(account, codeNow(secret));
    auth.time.advance(30_000);
    const remove = (given: string, code: string) =>
      own.accounts.removeSecondFactor({ password: given, code });
    await expectRefusal(remove("a wrong one", codeNow(secret)), Code.PermissionDenied, "PASSWORD_WRONG");
    await invalid(remove(password, "xxxxxx"));
    await remove(password, codeNow(secret));
    await expect(login(account)).resolves.toBeDefined();
    const refresh = auth.call().refresh({ refreshToken: other.tokens?.refreshToken ?? "" });
    await expectRefusal(refresh, Code.Unauthenticated, "REFRESH_TOKEN_INVALID");
    await expect(remove(password, "xxxxxx")).resolves.toBeDefined();
  });

  it("leaves none of its recovery codes", async () => {
    const { account, own, recoveryCodes } = await enabled();
    await own.accounts.removeSecondFactor({ password, code: recoveryCodes[0] ?? "" });
    const left = auth.db.selectFrom("recovery_codes").selectAll().where("user_id", "=", account.id);
    expect(await left.execute()).toEqual([]);
  });
});
