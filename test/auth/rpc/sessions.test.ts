import { Code } from "@connectrpc/connect";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SessionsService } from "#gen/ts/consciousness/auth/v1/sessions_service_pb.js";
import { type Account, principalOfAccount } from "../../../services/auth/domain/account.js";
import { newId } from "../../../services/kit/ids.js";
import { type Auth, eventType, password, startAuth } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { methodsOf } from "../support/methods.js";

let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

async function signIn(account: Account, client = { address: "203.0.113.77", agent: "Browser/1.0" }) {
  const { tokens } = await auth.call({ client }).login({ username: account.username, password });
  const { sid } = decodeJwt<{ sid: string }>(tokens?.accessToken ?? "");
  return { sid, refreshToken: tokens?.refreshToken ?? "" };
}

const as = (account: Account, session: string) =>
  methodsOf(auth.served, SessionsService, { principal: principalOfAccount(account, session) });
const idsOf = async (account: Account, session: string) =>
  (await as(account, session).listSessions({})).sessions.map(({ id }) => id);
const refresh = (refreshToken: string, client?: { address: string; agent: string }) =>
  auth.call({ ...(client && { client }) }).refresh({ refreshToken });
const ended = (refreshToken: string) =>
  expectRefusal(refresh(refreshToken), Code.Unauthenticated, "REFRESH_TOKEN_INVALID");

describe("ListSessions", () => {
  it("shows where the caller is signed in, newest first, and which one asks", async () => {
    const account = await auth.account();
    const phone = await signIn(account, { address: "2001:db8:12::7", agent: "Phone/2" });
    const laptop = await signIn(account);
    const { sessions } = await as(account, phone.sid).listSessions({});
    expect(sessions).toMatchObject([
      { id: laptop.sid, network: "203.0.113.0/24", userAgent: "Browser/1.0", current: false },
      { id: phone.sid, network: "2001:db8:12::/48", userAgent: "Phone/2", current: true },
    ]);
    const [{ createTime, lastUsedTime, expireTime } = {}] = sessions;
    expect(lastUsedTime).toEqual(createTime);
    expect(Number(expireTime?.seconds) - Number(createTime?.seconds)).toBe(604_800);
  });

  it("shows when and from where a session got tokens last", async () => {
    const account = await auth.account();
    const { sid, refreshToken } = await signIn(account);
    auth.time.advance(60_000);
    await refresh(refreshToken, { address: "198.51.100.1", agent: "Browser/1.1" });
    const [session] = (await as(account, sid).listSessions({})).sessions;
    expect(session).toMatchObject({ network: "198.51.100.0/24", userAgent: "Browser/1.1" });
    expect(Number(session?.lastUsedTime?.seconds) - Number(session?.createTime?.seconds)).toBe(60);
  });

  it("shows no session of somebody else, and none that ended or expired", async () => {
    const [ada, bob] = [await auth.account(), await auth.account()];
    const first = await signIn(ada);
    await signIn(bob);
    const second = await signIn(ada);
    await as(ada, second.sid).endSession({ sessionId: first.sid });
    expect(await idsOf(ada, second.sid)).toEqual([second.sid]);
    auth.time.advance(604_800_000);
    expect(await idsOf(ada, second.sid)).toEqual([]);
  });

  it("pages, and refuses a page token of another account with PAGE_TOKEN_INVALID", async () => {
    const [ada, bob] = [await auth.account(), await auth.account()];
    const ids = [];
    for (let at = 0; at < 3; at += 1) ids.unshift((await signIn(ada)).sid);
    const first = await as(ada, "").listSessions({ pageSize: 2 });
    const second = await as(ada, "").listSessions({ pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.sessions, ...second.sessions].map(({ id }) => id)).toEqual(ids);
    expect(second.nextPageToken).toBe("");
    const foreign = as(bob, "").listSessions({ pageToken: first.nextPageToken });
    await expectRefusal(foreign, Code.InvalidArgument, "PAGE_TOKEN_INVALID");
  });
});

describe("EndSession", () => {
  it("ends a session at once, and revokes its access tokens", async () => {
    const account = await auth.account();
    const [gone, here] = [await signIn(account), await signIn(account)];
    const { nextSince } = await auth.call().listRevocations({});
    await as(account, here.sid).endSession({ sessionId: gone.sid });
    await ended(gone.refreshToken);
    await expect(refresh(here.refreshToken)).resolves.toBeDefined();
    const { revocations } = await auth.call().listRevocations({ since: nextSince });
    expect(revocations).toMatchObject([{ target: { case: "sessionId", value: gone.sid } }]);
    expect((await auth.events("session", gone.sid)).map(eventType)).toEqual([
      "SessionStarted",
      "SessionEnded",
    ]);
  });

  it("refuses one that is unknown, somebody else's or has ended, with SESSION_NOT_FOUND", async () => {
    const [ada, bob] = [await auth.account(), await auth.account()];
    const [mine, foreign, gone] = [await signIn(ada), await signIn(bob), await signIn(ada)];
    const end = (sessionId: string) => as(ada, mine.sid).endSession({ sessionId });
    await end(gone.sid);
    for (const id of [newId(), foreign.sid, gone.sid]) {
      await expectRefusal(end(id), Code.NotFound, "SESSION_NOT_FOUND");
    }
    await expect(refresh(foreign.refreshToken)).resolves.toBeDefined();
  });
});

describe("EndOtherSessions", () => {
  it("ends all sessions of the caller but the one that asks", async () => {
    const [ada, bob] = [await auth.account(), await auth.account()];
    const [here, ...others] = [await signIn(ada), await signIn(ada), await signIn(ada)];
    const foreign = await signIn(bob);
    expect((await as(ada, here.sid).endOtherSessions({})).ended).toBe(2);
    for (const { refreshToken } of others) await ended(refreshToken);
    await expect(refresh(here.refreshToken)).resolves.toBeDefined();
    await expect(refresh(foreign.refreshToken)).resolves.toBeDefined();
    expect((await as(ada, here.sid).endOtherSessions({})).ended).toBe(0);
  });
});

describe("Logout", () => {
  it("revokes the access tokens of the session", async () => {
    const account = await auth.account();
    const { sid } = await signIn(account);
    const { nextSince } = await auth.call().listRevocations({});
    await auth.call({ principal: principalOfAccount(account, sid) }).logout({});
    const { revocations } = await auth.call().listRevocations({ since: nextSince });
    expect(revocations).toMatchObject([{ target: { case: "sessionId", value: sid }, expiresIn: 920 }]);
  });
});
