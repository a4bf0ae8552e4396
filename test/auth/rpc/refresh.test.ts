import { inspect } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SessionEnd, SessionEndedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import { type Auth, eventType, password, startAuth } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";

const week = 604_800_000;
const grace = 10_000;

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

async function signIn() {
  const account = await auth.account();
  const { tokens } = await auth.call().login({ username: account.username, password });
  const { sid } = decodeJwt<{ sid: string }>(tokens?.accessToken ?? "");
  return { account, sid, first: tokens?.refreshToken ?? "" };
}

async function refresh(refreshToken: string): Promise<string> {
  const { tokens } = await auth.call().refresh({ refreshToken });
  return tokens?.refreshToken ?? "";
}

const reused = (token: string) => expectRefusal(refresh(token), Code.Unauthenticated, "REFRESH_TOKEN_REUSED");
const refused = (token: string) =>
  expectRefusal(refresh(token), Code.Unauthenticated, "REFRESH_TOKEN_INVALID");

describe("Refresh", () => {
  it("continues the session with a new pair", async () => {
    const { account, sid, first } = await signIn();
    auth.time.advance(60_000);
    const { tokens } = await auth.call().refresh({ refreshToken: first });
    expect(tokens?.refreshToken).not.toBe(first);
    expect(tokens).toMatchObject({ tokenType: "Bearer", expiresIn: 900, refreshExpiresIn: 604_800 });
    expect(decodeJwt(tokens?.accessToken ?? "")).toMatchObject({ sid, sub: account.id });
    const events = await auth.events("session", sid);
    expect(events.map(eventType)).toEqual(["SessionStarted", "SessionRefreshed"]);
    expect(events.map(({ version }) => version)).toEqual([1n, 2n]);
  });

  it("gives the rights that the account has now", async () => {
    const { account, first } = await signIn();
    await auth.db
      .updateTable("users")
      .set({ roles: ["RESEARCHER"] })
      .where("id", "=", account.id)
      .execute();
    const { tokens } = await auth.call().refresh({ refreshToken: first });
    expect(decodeJwt(tokens?.accessToken ?? "")).toMatchObject({ roles: ["RESEARCHER"] });
  });

  it.each([["crt_unknown"], ["' or true --"], ["\0"], ["𝓽"]])(
    "refuses %j, which it never gave out",
    async (token) => {
      await refused(token);
    },
  );

  it("accepts a token until its expiry and refuses it from then on", async () => {
    const early = await signIn();
    const late = await signIn();
    auth.time.advance(week - 1);
    await expect(refresh(early.first)).resolves.toMatch(/^crt_/);
    auth.time.advance(1);
    await refused(late.first);
  });

  it("gives a second tab the same next token for 10 seconds, in the same session", async () => {
    const { sid, first } = await signIn();
    const second = await refresh(first);
    auth.time.advance(grace - 1);
    const { tokens } = await auth.call().refresh({ refreshToken: first });
    expect(tokens).toMatchObject({ refreshToken: second, expiresIn: 900, refreshExpiresIn: 604_790 });
    expect(decodeJwt(tokens?.accessToken ?? "")).toMatchObject({ sid });
    await expect(refresh(second)).resolves.toMatch(/^crt_/);
    const types = (await auth.events("session", sid)).map(eventType);
    expect(types).toEqual(["SessionStarted", "SessionRefreshed", "SessionRefreshed"]);
  });

  it("ends the session when a token comes again after 10 seconds, the newest token with it", async () => {
    const { account, sid, first } = await signIn();
    const second = await refresh(first);
    auth.time.advance(grace);
    await reused(first);
    await refused(second);
    await refused(first);
    const last = (await auth.events("session", sid)).at(-1);
    expect(last?.actor).toBe(account.id);
    expect(fromBinary(SessionEndedSchema, last?.payload?.value ?? new Uint8Array())).toMatchObject({
      sessionId: sid,
      end: SessionEnd.TOKEN_REUSED,
    });
  });

  it("ends the session at once when the next token has been used already", async () => {
    const { first } = await signIn();
    const third = await refresh(await refresh(first));
    await reused(first);
    await refused(third);
  });

  it("revokes the access tokens of a session that ends so, until the last of them expires", async () => {
    const { sid, first } = await signIn();
    const { nextSince } = await auth.call().listRevocations({});
    await refresh(first);
    auth.time.advance(grace);
    await reused(first);
    const { revocations } = await auth.call().listRevocations({ since: nextSince });
    expect(revocations).toMatchObject([
      { target: { case: "sessionId", value: sid }, tenantId: "default", expiresIn: 910 },
    ]);
  });

  it("leaves the account's other sessions alone when one ends", async () => {
    const { account, first } = await signIn();
    const { tokens } = await auth.call().login({ username: account.username, password });
    await refresh(first);
    auth.time.advance(grace);
    await reused(first);
    await expect(refresh(tokens?.refreshToken ?? "")).resolves.toMatch(/^crt_/);
  });

  it("gives many that come with one token at once the same next one", async () => {
    const { sid, first } = await signIn();
    const next = await Promise.all(Array.from({ length: 10 }, () => refresh(first)));
    expect(new Set(next).size).toBe(1);
    const types = (await auth.events("session", sid)).map(eventType);
    expect(types).toEqual(["SessionStarted", "SessionRefreshed"]);
  });

  it("keeps many sessions apart at once", async () => {
    const sessions = await Promise.all(Array.from({ length: 10 }, signIn));
    const next = await Promise.all(sessions.map(({ first }) => refresh(first)));
    expect(new Set(next).size).toBe(10);
  });

  it("refuses a disabled account and leaves the token for when it is enabled again", async () => {
    const { account, first } = await signIn();
    await auth.disable(account);
    await expectRefusal(refresh(first), Code.PermissionDenied, "ACCOUNT_DISABLED");
    await auth.db.updateTable("users").set({ active: true }).where("id", "=", account.id).execute();
    await expect(refresh(first)).resolves.toMatch(/^crt_/);
  });

  it("leaves the token usable when the event cannot be written", async () => {
    const { first } = await signIn();
    await expect(auth.withoutEvents(() => refresh(first))).rejects.toThrow();
    await expect(refresh(first)).resolves.toMatch(/^crt_/);
  });

  it("forgets expired tokens of a session that goes on", async () => {
    const { sid, first } = await signIn();
    auth.time.advance(week - 1);
    const second = await refresh(first);
    auth.time.advance(week - 1);
    await refresh(second);
    const tokens = auth.db.selectFrom("refresh_tokens").select("hash").where("session_id", "=", sid);
    expect(await tokens.execute()).toHaveLength(2);
  });

  it("names no token in its errors", async () => {
    const { first } = await signIn();
    await refresh(first);
    auth.time.advance(grace);
    const error = await expectRefusal(refresh(first), Code.Unauthenticated, "REFRESH_TOKEN_REUSED");
    expect(inspect(error, { depth: 4 })).not.toContain(first.slice(0, 12));
  });
});
