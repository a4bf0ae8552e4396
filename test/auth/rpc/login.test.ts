import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SessionStartedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import {
  type Auth,
  callable,
  eventType,
  password,
  startAuth,
  startService,
  startTime,
  testConfig,
} from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

describe("Login", () => {
  it("gives a token pair and the account to who knows the password", async () => {
    const account = await auth.account({
      roles: [Role.DEVELOPER],
      tier: Tier.RESEARCH,
      email: "a@example.org",
    });
    const { tokens, profile } = await auth.call().login({ username: account.username, password });
    expect(tokens).toMatchObject({ tokenType: "Bearer", expiresIn: 900, refreshExpiresIn: 604_800 });
    expect(tokens?.refreshToken).toMatch(/^crt_[\w-]{43}$/);
    expect(profile).toMatchObject({
      id: account.id,
      tenantId: "default",
      username: account.username,
      email: "a@example.org",
      roles: [Role.DEVELOPER],
      tier: Tier.RESEARCH,
    });
    expect(profile?.permissions).toContain(Permission.ANALYTICS_READ);
    expect(Number(profile?.lastLoginTime?.seconds) * 1000).toBe(startTime);
  });

  it("signs an access token with the claims of the contract", async () => {
    const account = await auth.account();
    const { tokens } = await auth.call().login({ username: account.username, password });
    const token = tokens?.accessToken ?? "";
    const { keys } = await auth.call().getJwks({});
    expect(decodeProtectedHeader(token)).toEqual({ alg: "RS256", typ: "at+jwt", kid: keys[0]?.kid });
    expect(decodeJwt(token)).toMatchObject({
      iss: "https://consciousness.ai/auth",
      aud: "consciousness-api",
      sub: account.id,
      tenant: "default",
      username: account.username,
      roles: ["USER"],
      consciousness_tier: "BASIC",
      iat: startTime / 1000,
      exp: startTime / 1000 + 900,
      jti: expect.any(String),
      sid: expect.any(String),
    });
  });

  it("records the session and its event, which hold neither password nor token", async () => {
    const account = await auth.account();
    const { tokens } = await auth.call().login({ username: account.username, password });
    const { sid } = decodeJwt<{ sid: string }>(tokens?.accessToken ?? "");
    const [event, ...others] = await auth.events("session", sid);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ tenantId: "default", actor: account.id, version: 1n });
    expect(fromBinary(SessionStartedSchema, event?.payload?.value ?? new Uint8Array())).toMatchObject({
      sessionId: sid,
      userId: account.id,
    });
    const stored = JSON.stringify(await auth.db.selectFrom("refresh_tokens").selectAll().execute());
    expect(stored).not.toContain(tokens?.refreshToken);
  });

  it("starts no session when its event cannot be written", async () => {
    const account = await auth.account();
    const attempt = () => auth.call().login({ username: account.username, password });
    await expect(auth.withoutEvents(attempt)).rejects.toThrow();
    const sessions = auth.db.selectFrom("sessions").select("id").where("user_id", "=", account.id);
    expect(await sessions.execute()).toEqual([]);
  });

  it.each([
    ["a wrong password", (name: string) => ({ username: name, password: `${password}r` })],
    ["an unknown name", () => ({ username: "nobody", password })],
    ["another case of the name", (name: string) => ({ username: name.toUpperCase(), password })],
    ["SQL for a name", () => ({ username: "' or '1'='1' --", password })],
    ["a name with NUL", (name: string) => ({ username: `${name}\0`, password })],
    ["a password with NUL", (name: string) => ({ username: name, password: `${password}\0` })],
    [
      "the hash for a password",
      (name: string) => ({ username: name, password: "$argon2id$v=19$m=64,t=1,p=1$" }),
    ],
  ])("answers %s with CREDENTIALS_INVALID", async (_, credentials) => {
    const account = await auth.account();
    const attempt = auth.call().login(credentials(account.username));
    await expectRefusal(attempt, Code.Unauthenticated, "CREDENTIALS_INVALID");
  });

  it("signs nobody in to the account of another tenant", async () => {
    const account = await auth.account({ tenant: "other" });
    const attempt = auth.call().login({ username: account.username, password });
    await expectRefusal(attempt, Code.Unauthenticated, "CREDENTIALS_INVALID");
  });

  it("tells that an account is disabled only to who knows its password", async () => {
    const account = await auth.account({ active: false });
    const attempt = (given: string) => auth.call().login({ username: account.username, password: given });
    await expectRefusal(attempt("a guess"), Code.Unauthenticated, "CREDENTIALS_INVALID");
    await expectRefusal(attempt(password), Code.PermissionDenied, "ACCOUNT_DISABLED");
  });

  it("drops the sessions of the account that nobody can continue", async () => {
    const account = await auth.account();
    const login = () => auth.call().login({ username: account.username, password });
    await login();
    auth.time.advance(604_800_001);
    await login();
    const sessions = auth.db.selectFrom("sessions").select("id").where("user_id", "=", account.id);
    expect(await sessions.execute()).toHaveLength(1);
    expect((await auth.events("user", account.id)).map(eventType)).toEqual(["UserCreated"]);
  });
});

describe("many logins at once", () => {
  it("are checked within their bound, the others refused with SIGN_IN_BUSY", async () => {
    const passwords = { concurrency: 1, waiting: 3, memoryKib: 4096, passes: 2 };
    const platform = { clock: auth.time.clock, database: async () => auth.database };
    const narrow = callable(await startService({ ...testConfig, passwords }, platform));
    const { username } = await auth.account();
    const attempts = Array.from({ length: 50 }, () => narrow.login({ username, password }));
    const outcomes = await Promise.allSettled(attempts);
    const refused = attempts.filter((_, i) => outcomes[i]?.status === "rejected");
    expect(refused.length).toBeGreaterThanOrEqual(40);
    expect(refused.length).toBeLessThan(50);
    for (const attempt of refused) await expectRefusal(attempt, Code.ResourceExhausted, "SIGN_IN_BUSY");
    await expect(narrow.login({ username, password })).resolves.toBeDefined();
  });

  it("leave the queue when their callers are gone", async () => {
    const gone = new AbortController();
    gone.abort(new Error("gone"));
    const attempt = auth.call({ signal: gone.signal }).login({ username: "nobody", password });
    await expect(attempt).rejects.toThrow("gone");
  });
});
