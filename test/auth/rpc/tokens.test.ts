import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SessionEnd, SessionEndedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { revocations } from "../../../services/auth/store/revocations.js";
import type { Principal } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import { transaction } from "../../../services/kit/stores/database/kysely.js";
import { createTokenVerifier, defaultTokenIssuer } from "../../../services/kit/tokens.js";
import { type Auth, password, startAuth } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

const issuer = defaultTokenIssuer;
const keys = async () => (await auth.call().getJwks({})).keys;

async function signIn() {
  const account = await auth.account();
  const { tokens } = await auth.call().login({ username: account.username, password });
  const { accessToken = "", refreshToken = "" } = tokens ?? {};
  const audience = "consciousness-api";
  const verifier = createTokenVerifier({ keys, issuer, kind: "access", audience, clock: auth.time.clock });
  return { account, accessToken, refreshToken, principal: await verifier.verify(accessToken) };
}

const exchange = async (subjectToken: string, audience: string, caller = Workload.GATEWAY) =>
  (await auth.call({ caller }).exchangeToken({ subjectToken, audience })).token;
const revoked = (attempt: Promise<unknown>) => expectRefusal(attempt, Code.Unauthenticated, "TOKEN_REVOKED");
const refused = (attempt: Promise<unknown>) => expectRefusal(attempt, Code.Unauthenticated, "TOKEN_INVALID");

describe("GetJwks", () => {
  it("publishes the key that signs, and nothing private", async () => {
    const [key, ...others] = await keys();
    expect(others).toEqual([]);
    expect(key).toMatchObject({ kty: "RSA", use: "sig", alg: "RS256", e: "AQAB" });
    expect(Buffer.from(key?.n ?? "", "base64url")).toHaveLength(256);
    const names = Object.keys(key ?? {}).filter((name) => !name.startsWith("$"));
    expect(names.sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
  });
});

describe("GetProfile", () => {
  it("returns the caller's own account", async () => {
    const { account, principal } = await signIn();
    const { profile } = await auth.call({ principal }).getProfile({});
    expect(profile).toMatchObject({ id: account.id, username: account.username, email: "" });
    expect(profile?.lastLoginTime).toBeDefined();
  });

  it("has no last sign-in before the first", async () => {
    const { principal } = await signIn();
    const { id: subject } = await auth.account();
    const { profile } = await auth.call({ principal: { ...principal, subject } }).getProfile({});
    expect(profile?.lastLoginTime).toBeUndefined();
  });

  it("refuses nobody, with CREDENTIALS_MISSING", async () => {
    await expectRefusal(auth.call().getProfile({}), Code.Unauthenticated, "CREDENTIALS_MISSING");
  });

  it.each<[string, Partial<Principal>]>([
    ["of another tenant", { home: "other" }],
    ["that is gone", { subject: newId() }],
    ["of a machine", { kind: "machine", subject: "robot", session: "" }],
  ])("refuses an account %s, with TOKEN_INVALID", async (_, changes) => {
    const { principal } = await signIn();
    await refused(auth.call({ principal: { ...principal, ...changes } }).getProfile({}));
  });
});

describe("Logout", () => {
  it("ends the session at once and records why", async () => {
    const { principal, refreshToken } = await signIn();
    await auth.call({ principal }).logout({});
    const attempt = auth.call().refresh({ refreshToken });
    await expectRefusal(attempt, Code.Unauthenticated, "REFRESH_TOKEN_INVALID");
    const last = (await auth.events("session", principal.session)).at(-1);
    expect(fromBinary(SessionEndedSchema, last?.payload?.value ?? new Uint8Array()).end).toBe(
      SessionEnd.LOGOUT,
    );
  });

  it("may come twice, and is recorded once", async () => {
    const { principal } = await signIn();
    await auth.call({ principal }).logout({});
    await auth.call({ principal }).logout({});
    expect(await auth.events("session", principal.session)).toHaveLength(2);
  });

  it("ends no session of somebody else", async () => {
    const victim = await signIn();
    const { principal } = await signIn();
    const forged = { ...principal, session: victim.principal.session };
    await auth.call({ principal: forged }).logout({});
    await auth.call({ principal: { ...victim.principal, home: "other" } }).logout({});
    await expect(auth.call().refresh({ refreshToken: victim.refreshToken })).resolves.toBeDefined();
  });

  it("refuses nobody, with CREDENTIALS_MISSING", async () => {
    await expectRefusal(auth.call().logout({}), Code.Unauthenticated, "CREDENTIALS_MISSING");
  });
});

describe("ExchangeToken", () => {
  it("gives the gateway a 60-second token of the same principal for one workload", async () => {
    const { accessToken, principal } = await signIn();
    const reply = await auth.call().exchangeToken({ subjectToken: accessToken, audience: "engine" });
    expect(reply.expiresIn).toBe(60);
    const { iat = 0, exp = 0, aud } = decodeJwt(reply.token);
    expect({ aud, lifetime: exp - iat }).toEqual({ aud: "engine", lifetime: 60 });
    expect(decodeProtectedHeader(reply.token).typ).toBe("internal+jwt");
    const verifier = createTokenVerifier({
      keys,
      issuer,
      kind: "internal",
      audience: "engine",
      clock: auth.time.clock,
    });
    expect(await verifier.verify(reply.token)).toEqual(principal);
  });

  it("gives a workload the next token for the one that it was called with", async () => {
    const { accessToken } = await signIn();
    const internal = await exchange(accessToken, "engine");
    expect(decodeJwt(await exchange(internal, "agents", Workload.ENGINE)).aud).toBe("agents");
  });

  it("gives a workload a token for the access token that a gateway beside it passed on", async () => {
    const { accessToken } = await signIn();
    expect(decodeJwt(await exchange(accessToken, "agents", Workload.ENGINE)).aud).toBe("agents");
  });

  it("refuses a workload the token of another, also when it says that it is an access token", async () => {
    const { accessToken } = await signIn();
    const internal = await exchange(accessToken, "agents");
    await refused(exchange(internal, "agents", Workload.ENGINE));
    await refused(exchange(internal, "agents", Workload.UNSPECIFIED));
    const { kid } = decodeProtectedHeader(internal);
    const header = Buffer.from(JSON.stringify({ alg: "RS256", typ: "at+jwt", kid })).toString("base64url");
    await refused(exchange([header, ...internal.split(".").slice(1)].join("."), "agents", Workload.ENGINE));
    await refused(exchange("no token", "agents", Workload.ENGINE));
  });

  it("refuses the gateway an internal token", async () => {
    const { accessToken } = await signIn();
    await refused(exchange(await exchange(accessToken, "gateway"), "engine"));
  });

  it("refuses what is no token, and an expired one with TOKEN_EXPIRED", async () => {
    const { accessToken } = await signIn();
    await refused(exchange("no token", "engine"));
    auth.time.advance(900_000);
    await expectRefusal(exchange(accessToken, "engine"), Code.Unauthenticated, "TOKEN_EXPIRED");
  });

  it.each(["nobody", "ENGINE", "engine ", "__proto__", ""])("refuses the audience %j", async (audience) => {
    const { accessToken } = await signIn();
    await expectRefusal(exchange(accessToken, audience), Code.InvalidArgument, "VALIDATION_FAILED");
  });

  it("refuses the token of a session that has ended", async () => {
    const { accessToken, principal } = await signIn();
    const internal = await exchange(accessToken, "engine");
    await auth.call({ principal }).logout({});
    await revoked(exchange(accessToken, "engine"));
    await revoked(exchange(internal, "agents", Workload.ENGINE));
  });

  it("refuses the token of a disabled account", async () => {
    const { account, accessToken } = await signIn();
    await auth.disable(account);
    await revoked(exchange(accessToken, "engine"));
  });

  it("refuses a token of before the account's rights changed, and takes the next one", async () => {
    const { account, accessToken, refreshToken } = await signIn();
    await transaction(auth.db, (trx) =>
      revocations(trx, auth.time.clock).account(account.tenant, account.id),
    );
    await revoked(exchange(accessToken, "engine"));
    const { tokens } = await auth.call().refresh({ refreshToken });
    await expect(exchange(tokens?.accessToken ?? "", "engine")).resolves.toBeDefined();
  });
});
