import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiKeysService } from "#gen/ts/consciousness/auth/v1/api_keys_service_pb.js";
import { Role } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type Account, principalOfAccount } from "../../../services/auth/domain/account.js";
import type { Principal } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import { type Auth, eventType, startAuth, testConfig } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { methodsOf } from "../support/methods.js";

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

const day = 86_400_000;
const scopes = [Permission.AGENT_READ, Permission.CONSCIOUSNESS_READ];
const sessionOf = (account: Account) => principalOfAccount(account, newId());
const keysOf = (principal: Principal, idempotencyKey?: string) =>
  methodsOf(auth.served, ApiKeysService, { principal, ...(idempotencyKey && { idempotencyKey }) });
const redeem = (key: string) => methodsOf(auth.served, ApiKeysService).redeemApiKey({ key });
const refused = (key: string) => expectRefusal(redeem(key), Code.Unauthenticated, "API_KEY_INVALID");

async function owner(changes: Partial<Account> = {}) {
  const account = await auth.account(changes);
  return { account, principal: sessionOf(account) };
}

async function ownerOfKey(changes: Partial<Account> = {}) {
  const { account, principal } = await owner(changes);
  const { key, apiKey } = await keysOf(principal).createApiKey({ name: "export", scopes });
  return { account, principal, key, id: apiKey?.id ?? "" };
}

describe("CreateApiKey", () => {
  it("answers the key once, and stores nothing that it could be made of", async () => {
    const { principal } = await owner();
    const { key, apiKey } = await keysOf(principal).createApiKey({ name: "export", scopes });
    expect(key).toMatch(/^cek_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}$/);
    expect(apiKey).toMatchObject({
      name: "export",
      prefix: key.slice(4, 12),
      userId: principal.subject,
      scopes,
    });
    const row = await auth.db
      .selectFrom("api_keys")
      .selectAll()
      .where("id", "=", apiKey?.id ?? "")
      .executeTakeFirstOrThrow();
    expect(Buffer.from(row.hash)).toHaveLength(32);
    expect(JSON.stringify({ ...row, version: 1 })).not.toContain(key.slice(13));
    expect((await auth.events("api_key", row.id)).map(eventType)).toEqual(["ApiKeyCreated"]);
  });

  it("answers without the key where the answer is that of an earlier call", async () => {
    const { principal } = await owner();
    const keys = keysOf(principal, newId());
    const first = await keys.createApiKey({ name: "export", scopes });
    const second = await keys.createApiKey({ name: "export", scopes });
    expect(first.key).not.toBe("");
    expect(second).toMatchObject({ key: "", apiKey: first.apiKey });
    expect((await keys.listApiKeys({})).apiKeys).toHaveLength(1);
  });

  it("refuses a scope that its owner lacks, with GRANT_EXCEEDED", async () => {
    const { principal } = await owner();
    const attempt = keysOf(principal).createApiKey({ name: "x", scopes: [Permission.USER_ADMIN] });
    const error = await expectRefusal(attempt, Code.PermissionDenied, "GRANT_EXCEEDED");
    expect(error.rawMessage).toContain("USER_ADMIN");
  });

  it("expires as late as it may unless told, and no later", async () => {
    const { principal } = await owner();
    const latest = auth.time.clock.now() + testConfig.apiKeys.longestDays * day;
    const { apiKey } = await keysOf(principal).createApiKey({ name: "x", scopes });
    expect(apiKey?.expireTime && timestampMs(apiKey.expireTime)).toBe(latest);
    for (const expiry of [latest + 1, auth.time.clock.now()]) {
      const attempt = keysOf(principal).createApiKey({
        name: "x",
        scopes,
        expireTime: timestampFromMs(expiry),
      });
      await expectRefusal(attempt, Code.InvalidArgument, "VALIDATION_FAILED");
    }
  });

  it("keeps the limit of an account under parallel calls, with API_KEY_LIMIT_REACHED", async () => {
    const { principal } = await owner();
    const limit = testConfig.apiKeys.perAccount;
    const attempts = Array.from({ length: limit + 3 }, () =>
      keysOf(principal).createApiKey({ name: "x", scopes }),
    );
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(limit);
    const attempt = keysOf(principal).createApiKey({ name: "x", scopes });
    await expectRefusal(attempt, Code.FailedPrecondition, "API_KEY_LIMIT_REACHED");
  });

  it("leaves neither row nor event where the other fails", async () => {
    const { principal } = await owner();
    await auth.withoutEvents(() =>
      expect(keysOf(principal).createApiKey({ name: "x", scopes })).rejects.toThrow(),
    );
    expect((await keysOf(principal).listApiKeys({})).apiKeys).toEqual([]);
  });
});

describe("ListApiKeys", () => {
  it("pages through one's own keys, newest first", async () => {
    const { principal } = await owner();
    const made: string[] = [];
    for (const name of ["a", "b", "c"]) {
      made.unshift((await keysOf(principal).createApiKey({ name, scopes })).apiKey?.id ?? "");
    }
    const first = await keysOf(principal).listApiKeys({ pageSize: 2 });
    const second = await keysOf(principal).listApiKeys({ pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.apiKeys, ...second.apiKeys].map(({ id }) => id)).toEqual(made);
    expect(second.nextPageToken).toBe("");
    const { principal: other } = await owner();
    const foreign = keysOf(other).listApiKeys({ pageToken: first.nextPageToken });
    await expectRefusal(foreign, Code.InvalidArgument, "PAGE_TOKEN_INVALID");
  });

  it("shows an account's keys to administrators of its tenant alone", async () => {
    const { account, id } = await ownerOfKey();
    const { principal: admin } = await owner({ roles: [Role.ADMIN] });
    const { principal: foreign } = await owner({ roles: [Role.ADMIN], tenant: "other" });
    const { principal: colleague } = await owner();
    const list = (principal: Principal) => keysOf(principal).listApiKeys({ userId: account.id });
    expect((await list(admin)).apiKeys.map((key) => key.id)).toEqual([id]);
    expect((await list(foreign)).apiKeys).toEqual([]);
    await expectRefusal(list(colleague), Code.PermissionDenied, "PERMISSION_MISSING");
  });
});

describe("RevokeApiKey", () => {
  it("ends a key at once and tells every gateway", async () => {
    const { principal, key, id } = await ownerOfKey();
    await keysOf(principal).revokeApiKey({ id: id.toUpperCase() });
    await refused(key);
    expect((await auth.events("api_key", id)).map(eventType)).toEqual(["ApiKeyCreated", "ApiKeyRevoked"]);
    const told = await auth.db.selectFrom("revocations").select("kind").where("subject", "=", id).execute();
    expect(told).toEqual([{ kind: "API_KEY" }]);
  });

  it("is for the owner and administrators of the tenant, and finds no key for others", async () => {
    const { principal, id } = await ownerOfKey();
    const { principal: admin } = await owner({ roles: [Role.ADMIN] });
    const { principal: foreign } = await owner({ roles: [Role.ADMIN], tenant: "other" });
    const { principal: colleague } = await owner();
    for (const stranger of [foreign, colleague]) {
      await expectRefusal(keysOf(stranger).revokeApiKey({ id }), Code.NotFound, "API_KEY_NOT_FOUND");
    }
    await keysOf(admin).revokeApiKey({ id });
    await expectRefusal(keysOf(principal).revokeApiKey({ id }), Code.NotFound, "API_KEY_NOT_FOUND");
  });
});

describe("RedeemApiKey", () => {
  it("gives a token of the owner, of 60 s, with the scopes that both have", async () => {
    const { account, key, id } = await ownerOfKey();
    const { token, expiresIn } = await redeem(key);
    expect(expiresIn).toBe(60);
    const claims = decodeJwt(token);
    expect(claims).toMatchObject({
      sub: account.id,
      kind: "user",
      api_key: id,
      roles: [],
      scope: "AGENT_READ CONSCIOUSNESS_READ",
      permissions: ["AGENT_READ", "CONSCIOUSNESS_READ"],
      epoch: 0,
    });
    expect(claims.sid).toBeUndefined();
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(60);
  });

  it("gives less when the owner's roles permit less", async () => {
    const { account, principal } = await owner({ roles: [Role.DEVELOPER] });
    const { key } = await keysOf(principal).createApiKey({
      name: "x",
      scopes: [Permission.ANALYTICS_READ, Permission.AGENT_READ],
    });
    await auth.db
      .updateTable("users")
      .set({ roles: ["USER"] })
      .where("id", "=", account.id)
      .execute();
    expect(decodeJwt((await redeem(key)).token).permissions).toEqual(["AGENT_READ"]);
  });

  it.each([
    ["unknown", () => `cek_abcdefgh_${"A".repeat(43)}`],
    ["malformed", () => "cek_short"],
    ["empty", () => ""],
  ])("refuses an %s key", async (_, make) => {
    await refused(make());
  });

  it("refuses another secret behind a known prefix", async () => {
    const { key } = await ownerOfKey();
    await refused(key.slice(0, -2) + (key.endsWith("AA") ? "BB" : "AA"));
  });

  it("refuses the key of a disabled owner", async () => {
    const { account, key } = await ownerOfKey();
    await auth.disable(account);
    await refused(key);
  });

  it("notes the last use by the minute", async () => {
    const { principal, key } = await ownerOfKey();
    const lastUse = async () => (await keysOf(principal).listApiKeys({})).apiKeys[0]?.lastUseTime;
    expect(await lastUse()).toBeUndefined();
    const used = auth.time.clock.now();
    await redeem(key);
    auth.time.advance(59_000);
    await redeem(key);
    expect(timestampMs((await lastUse()) as never)).toBe(used);
    auth.time.advance(1_000);
    await redeem(key);
    expect(timestampMs((await lastUse()) as never)).toBe(used + 60_000);
  });

  it("ends with the key, whose last token lives no longer", async () => {
    const { principal } = await owner();
    const expireTime = timestampFromMs(auth.time.clock.now() + 30_500);
    const { key } = await keysOf(principal).createApiKey({ name: "x", scopes, expireTime });
    expect((await redeem(key)).expiresIn).toBe(30);
    auth.time.advance(30_500);
    await refused(key);
  });
});

describe("ExchangeToken", () => {
  const exchange = (subjectToken: string, audience: string, caller = Workload.GATEWAY) =>
    auth.call({ caller }).exchangeToken({ subjectToken, audience });
  const narrowed = ["AGENT_READ", "CONSCIOUSNESS_READ"];

  it("gives a key's token no more than the key permits, from one workload to the next", async () => {
    const { key, id } = await ownerOfKey();
    const { token } = await redeem(key);
    const first = await exchange(token, "engine");
    const second = await exchange(first.token, "agents", Workload.ENGINE);
    for (const { token: internal, expiresIn } of [first, second]) {
      expect(expiresIn).toBe(60);
      expect(decodeJwt(internal)).toMatchObject({ permissions: narrowed, roles: [], api_key: id });
      expect(decodeJwt(internal).scope).toBe(narrowed.join(" "));
    }
  });

  it.each<[string, (made: Awaited<ReturnType<typeof ownerOfKey>>) => Promise<unknown>]>([
    ["was revoked", ({ principal, id }) => keysOf(principal).revokeApiKey({ id })],
    ["has expired", async () => auth.time.advance(testConfig.apiKeys.longestDays * day)],
    ["has a disabled owner", ({ account }) => auth.disable(account)],
    ["has an owner who may do something else now", ({ account }) => raiseEpoch(account)],
  ])("refuses the tokens of a key that %s", async (reason, change) => {
    const made = await ownerOfKey();
    const { token } = await redeem(made.key);
    const { token: internal } = await exchange(token, "engine");
    await change(made);
    const expected = reason === "has expired" ? "TOKEN_EXPIRED" : "TOKEN_REVOKED";
    await expectRefusal(exchange(token, "engine"), Code.Unauthenticated, expected);
    await expectRefusal(exchange(internal, "agents", Workload.ENGINE), Code.Unauthenticated, expected);
  });

  it("takes a key itself for no token", async () => {
    const { key } = await ownerOfKey();
    await expectRefusal(exchange(key, "engine"), Code.Unauthenticated, "TOKEN_INVALID");
  });

  async function raiseEpoch({ id }: Account) {
    await auth.db.updateTable("users").set({ epoch: 1 }).where("id", "=", id).execute();
  }
});
