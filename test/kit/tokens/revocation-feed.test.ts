import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it, vi } from "vitest";
import {
  ListRevocationsResponseSchema,
  type Revocation,
  RevocationSchema,
} from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import type { Principal } from "../../../services/kit/context.js";
import { errorFacts, errors } from "../../../services/kit/errors.js";
import { createRevocationFeed } from "../../../services/kit/tokens/revocation-feed.js";
import { createTokenVerifier, defaultTokenIssuer } from "../../../services/kit/tokens.js";
import { ada, fakeClock, goodClaims, goodHeader, now, rs256, rsaPair } from "./forge.js";

const k1 = rsaPair("k1");

type Target = Revocation["target"];

/** An auth that answers when told to, and a gateway that follows it. */
function follow(lifetime = 900) {
  const clock = fakeClock();
  const log: Revocation[] = [];
  const due: (() => void)[] = [];
  const auth = { answer: async () => undefined as unknown, pageSize: 1000 };
  const list = vi.fn(async ({ since, afterPosition }: { since: bigint; afterPosition: bigint }) => {
    const found = log.filter(({ position }) => position > since && position > afterPosition);
    const revocations = found.slice(0, auth.pageSize);
    const reply = create(ListRevocationsResponseSchema, {
      revocations,
      nextSince: BigInt(log.length),
      more: revocations.length < found.length,
    });
    await auth.answer();
    return reply;
  });
  const feed = createRevocationFeed({ list, clock, schedule: (_, run) => due.push(run) });
  const { verify } = createTokenVerifier({
    keys: async () => [k1.jwk],
    issuer: defaultTokenIssuer,
    kind: "access",
    audience: "consciousness-api",
    revocations: feed,
    clock,
  });
  const revoke = (target: Target, changes: Partial<Revocation> = {}) => {
    const position = BigInt(log.length + 1);
    const time = BigInt(Math.floor(clock.now() / 1000));
    const entry = { position, tenantId: "t1", target, epoch: 1, time, expiresIn: lifetime, ...changes };
    log.push(create(RevocationSchema, entry));
  };
  const passTimer = async () => {
    for (const run of due.splice(0)) run();
    await vi.waitFor(() => expect(due).not.toHaveLength(0));
  };
  return { clock, auth, list, feed, verify, revoke, due, passTimer };
}

const tokenOf = (changes: object = {}) => rs256(k1.privateKey, goodHeader, { ...goodClaims, ...changes });
const keyed = { sid: "", api_key: "key1" };

async function expectRefusal(attempt: Promise<unknown>, code: Code, reason: string): Promise<ConnectError> {
  const error = await attempt.then(
    () => expect.unreachable("it was accepted"),
    (caught) => caught,
  );
  expect(error).toBeInstanceOf(ConnectError);
  expect([error.code, errorFacts(error)?.reason]).toEqual([code, reason]);
  return error;
}

const expectRevoked = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.Unauthenticated, "TOKEN_REVOKED");
const expectUnknown = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.Unavailable, "DEPENDENCY_UNAVAILABLE");

describe("a revocation", () => {
  const account = (value: string): Target => ({ case: "accountId", value });
  const session = (value: string): Target => ({ case: "sessionId", value });
  const key = (value: string): Target => ({ case: "apiKeyId", value });
  const tenant: Target = { case: "tenant", value: true };

  it.each<[string, Target, object, Partial<Revocation>]>([
    ["of a session", session("s1"), {}, {}],
    ["of an account", account("u1"), {}, {}],
    ["of an API key", key("key1"), keyed, {}],
    ["of a tenant", tenant, {}, {}],
    ["of a tenant, for who acts in another one", tenant, { tenant: "t9", home_tenant: "t1" }, {}],
  ])("%s ends tokens that were good, and those never seen", async (_, target, claims, changes) => {
    const { verify, revoke, clock } = follow();
    const token = tokenOf(claims);
    await expect(verify(token)).resolves.toMatchObject({ username: "ada" });
    revoke(target, changes);
    clock.advance(1000);
    await expectRevoked(verify(token));
    await expectRevoked(verify(tokenOf({ ...claims, jti: "j2" })));
    await expectRevoked(verify(token));
  });

  it.each<[string, Target, object, Partial<Revocation>]>([
    ["of another session", session("s2"), {}, {}],
    ["of another account", account("u2"), {}, {}],
    ["of an account of this id in another tenant", account("u1"), {}, { tenantId: "t2" }],
    ["of another API key", key("key2"), keyed, {}],
    ["of another tenant", tenant, {}, { tenantId: "t2" }],
    ["of an account, for a token of its next epoch", account("u1"), { epoch: 1 }, {}],
    ["of a tenant, for a token of its next epoch", tenant, { epoch: 1 }, {}],
    ["of a tenant, for an account that came later", tenant, { iat: now - 60 }, { time: BigInt(now - 70) }],
    ["of nothing known", { case: undefined }, {}, {}],
  ])("%s leaves a token alone", async (_, target, claims, changes) => {
    const { verify, revoke } = follow();
    revoke(target, changes);
    await expect(verify(tokenOf(claims))).resolves.toMatchObject({ username: "ada" });
  });

  it("of a later epoch counts, whichever comes first", async () => {
    const { feed, revoke } = follow();
    revoke(account("u1"), { epoch: 3 });
    revoke(account("u1"), { epoch: 2 });
    await feed.ensureFresh();
    const at = (epoch: number): Principal => ({ ...ada, epoch });
    expect([2, 3].map((epoch) => feed.isRevoked(at(epoch), now))).toEqual([true, false]);
  });

  it("is read page by page", async () => {
    const { auth, verify, revoke, list } = follow();
    auth.pageSize = 2;
    for (const id of ["s7", "s8", "s9", "s1"]) revoke(session(id));
    await expectRevoked(verify(tokenOf()));
    expect(list).toHaveBeenCalledTimes(2);
  });

  it("is forgotten when every token that it ended has expired", async () => {
    const { clock, feed, revoke } = follow(60);
    revoke(session("s1"));
    await feed.ensureFresh();
    expect(feed.isRevoked(ada, now)).toBe(true);
    clock.advance(59_000);
    await feed.ensureFresh();
    expect(feed.isRevoked(ada, now)).toBe(true);
    clock.advance(61_000);
    await feed.ensureFresh();
    expect(feed.isRevoked(ada, now)).toBe(false);
  });
});

describe("following auth", () => {
  it("costs nothing until a token comes, and ends some seconds after the last one", async () => {
    const { clock, verify, list, due, passTimer } = follow();
    expect([list.mock.calls.length, due.length]).toEqual([0, 0]);
    await verify(tokenOf());
    await vi.waitFor(() => expect(due).toHaveLength(1));
    for (let passed = 0; passed < 10; passed += 1) {
      clock.advance(1000);
      await passTimer();
    }
    expect(list).toHaveBeenCalledTimes(11);
    clock.advance(1);
    for (const run of due.splice(0)) run();
    await new Promise(setImmediate);
    expect([list.mock.calls.length, due.length]).toEqual([11, 0]);
  });

  it("asks once for all tokens that come at once", async () => {
    const { verify, list } = follow();
    await Promise.all(Array.from({ length: 20 }, (_, at) => verify(tokenOf({ jti: `j${at}` }))));
    expect(list).toHaveBeenCalledTimes(1);
  });

  it("asks nobody while it knows what was a second ago", async () => {
    const { clock, verify, list } = follow();
    await verify(tokenOf());
    clock.advance(999);
    await verify(tokenOf());
    expect(list).toHaveBeenCalledTimes(1);
    clock.advance(1);
    await verify(tokenOf());
    expect(list).toHaveBeenCalledTimes(2);
  });

  it("refuses tokens when auth is away for a second, says when to come back, and recovers", async () => {
    const { auth, clock, verify } = follow();
    const token = tokenOf();
    await verify(token);
    auth.answer = async () => {
      throw errors.dependencyUnavailable({ dependency: "auth" });
    };
    clock.advance(999);
    await expect(verify(token)).resolves.toEqual(ada);
    clock.advance(1);
    const error = await expectUnknown(verify(token));
    expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1n);
    auth.answer = async () => undefined;
    clock.advance(100);
    await expect(verify(token)).resolves.toEqual(ada);
  });

  it("refuses every token before the first answer", async () => {
    const { auth, verify } = follow();
    auth.answer = async () => {
      throw new Error("refused");
    };
    await expectUnknown(verify(tokenOf()));
  });

  it("asks an auth that is away at most ten times a second", async () => {
    const { auth, clock, verify, list } = follow();
    auth.answer = async () => {
      throw new Error("refused");
    };
    for (let at = 0; at < 50; at += 1) {
      await expectUnknown(verify(tokenOf()));
      clock.advance(10);
    }
    expect(list.mock.calls.length).toBeLessThanOrEqual(5);
  });

  it("waits for a slow answer that was asked for after the token came", async () => {
    const { auth, clock, verify } = follow();
    auth.answer = async () => clock.advance(5000);
    await expect(verify(tokenOf())).resolves.toEqual(ada);
  });

  it("trusts no answer that was asked for a second before the token came", async () => {
    const { auth, clock, verify, revoke, list, due } = follow();
    const token = tokenOf();
    await verify(token);
    await vi.waitFor(() => expect(due).toHaveLength(1));
    let answer = () => undefined as unknown;
    auth.answer = () => new Promise((resolve) => (answer = () => resolve(undefined)));
    clock.advance(500);
    for (const run of due.splice(0)) run();
    expect(list).toHaveBeenCalledTimes(2);
    revoke({ case: "sessionId", value: "s1" });
    clock.advance(1000);
    const attempt = verify(token);
    auth.answer = async () => undefined;
    answer();
    await expectRevoked(attempt);
    expect(list).toHaveBeenCalledTimes(3);
  });
});
