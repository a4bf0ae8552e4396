import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { codeOfUri } from "../../auth/support/code-of-uri.js";
import { adminPassword, type TestPlatform } from "../../support/platform.js";
import { until } from "../../support/until.js";
import { type Answer, json, send, startEdge } from "./browser.js";

const admitted = "https://console.example.com";
const credentials = { username: "admin", password: adminPassword };
let platform: TestPlatform;
let off: TestPlatform;
beforeAll(async () => {
  platform = await startEdge({ GATEWAY_SESSION_COOKIES: "true", GATEWAY_CORS_ORIGINS: admitted });
  off = await startEdge();
});
afterAll(() => Promise.all([platform.stop(), off.stop()]));

/** What a page of our own sends. */
const own = { "sec-fetch-site": "same-origin" };

interface Session {
  readonly cookie: string;
  readonly csrf: string;
}

function cookiesOf({ headers }: Answer): Map<string, string> {
  return new Map(
    (headers["set-cookie"] ?? []).map((line) => {
      const pair = line.split(";", 1)[0]!;
      return [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    }),
  );
}

function sessionOf(answer: Answer): Session {
  const cookies = cookiesOf(answer);
  return {
    cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    csrf: cookies.get("__Host-csrf") ?? "",
  };
}

const login = (headers: Record<string, string> = {}, url = platform.url) =>
  send(url, "POST", "/api/v1/auth/login", json(credentials, { "x-session": "cookie", ...own, ...headers }));

const call = (method: string, path: string, headers: Record<string, string>, body?: object) =>
  send(platform.url, method, path, body ? json(body, headers) : { headers });

describe("a sign-in that asks for cookies", () => {
  it("gets the tokens in cookies that no script can read, and none in the answer", async () => {
    const answer = await login();
    expect(answer.status).toBe(200);
    expect(answer.json.tokens).toMatchObject({ access_token: "", refresh_token: "", token_type: "Bearer" });
    const lines = answer.headers["set-cookie"] ?? [];
    expect(lines.map((line) => line.split("=", 1)[0])).toEqual([
      "__Host-session",
      "__Host-refresh",
      "__Host-csrf",
    ]);
    for (const line of lines)
      expect(line).toMatch(/; Path=\/; Secure; (HttpOnly; )?SameSite=Strict; Max-Age=604800$/);
    expect(lines.map((line) => line.includes("HttpOnly"))).toEqual([true, true, false]);
    expect(JSON.stringify(platform.lines)).not.toContain(cookiesOf(answer).get("__Host-session"));
  });

  it("is told no cookie without asking", async () => {
    const answer = await send(platform.url, "POST", "/api/v1/auth/login", json(credentials));
    expect(answer.json.tokens.access_token).not.toBe("");
    expect(answer.headers).not.toHaveProperty("set-cookie");
  });

  it.each([
    ["a page elsewhere", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }],
    ["a page of a sibling host", { "sec-fetch-site": "same-site", origin: "https://blog.example.com" }],
  ])("is refused to %s", async (_, headers) => {
    const answer = await login(headers);
    expect([answer.status, answer.json.reason]).toEqual([403, "ORIGIN_NOT_ALLOWED"]);
    expect(answer.headers).not.toHaveProperty("set-cookie");
  });

  it("is let in from an admitted origin, which may read the answer", async () => {
    const answer = await login({ "sec-fetch-site": "same-site", origin: admitted });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": admitted,
      "access-control-allow-credentials": "true",
    });
  });

  it("is refused where cookies are switched off, and for any other word", async () => {
    for (const answer of [await login({}, off.url), await login({ "x-session": "token" })]) {
      expect(answer.json).toMatchObject({ status: 400, reason: "PARAMETER_INVALID" });
    }
  });

  it("leaves no cookie when it fails", async () => {
    const wrong = json({ ...credentials, password: "wrong" }, { "x-session": "cookie", ...own });
    const answer = await send(platform.url, "POST", "/api/v1/auth/login", wrong);
    expect([answer.status, answer.json.reason]).toEqual([401, "CREDENTIALS_INVALID"]);
    expect(answer.headers).not.toHaveProperty("set-cookie");
  });
});

describe("a call with a session's cookie", () => {
  let session: Session;
  beforeAll(async () => {
    session = sessionOf(await login());
  });
  const draft = (name: string) => ({ name, agent_type: "b" });

  it("reads without a token", async () => {
    const answer = await call("GET", "/api/v1/auth/profile", { cookie: session.cookie, ...own });
    expect([answer.status, answer.json.username]).toEqual([200, "admin"]);
  });

  it("changes something with the session's token", async () => {
    const headers = { cookie: session.cookie, "x-csrf-token": session.csrf, ...own };
    expect((await call("POST", "/api/v1/agents", headers, draft("with token"))).status).toBe(200);
  });

  it("changes nothing without it, or with another's", async () => {
    const other = sessionOf(await login());
    expect(other.csrf).not.toBe(session.csrf);
    for (const token of [undefined, "", "forged", other.csrf, `${session.csrf}x`]) {
      const headers = {
        cookie: session.cookie,
        ...own,
        ...(token !== undefined && { "x-csrf-token": token }),
      };
      const answer = await call("POST", "/api/v1/agents", headers, draft("without token"));
      expect([answer.status, answer.json.reason]).toEqual([403, "CSRF_TOKEN_INVALID"]);
    }
  });

  it("is not let in by the token's cookie alone, which a browser sends by itself", async () => {
    const headers = { cookie: session.cookie, "x-session": "cookie", ...own };
    const answer = await call("DELETE", "/api/v1/agents/0197f2a4-6d1c-7b3e-9a52-3c8f1e0d4b76", headers);
    expect(answer.json.reason).toBe("CSRF_TOKEN_INVALID");
  });

  it.each([
    ["a page elsewhere", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }],
    ["a page elsewhere in an old browser", { origin: "https://evil.example" }],
    ["a page without an origin", { origin: "null" }],
    ["a page of a sibling host", { "sec-fetch-site": "same-site" }],
  ])("of %s is refused, also to read and with the token", async (_, headers) => {
    const given = { cookie: session.cookie, "x-csrf-token": session.csrf, ...headers };
    for (const answer of [
      await call("GET", "/api/v1/auth/profile", given),
      await call("POST", "/api/v1/agents", given, draft("elsewhere")),
    ]) {
      expect([answer.status, answer.json.reason]).toEqual([403, "ORIGIN_NOT_ALLOWED"]);
    }
  });

  it.each([
    ["our own page in an old browser", () => ({ origin: platform.url })],
    ["no page", () => ({})],
    ["the address bar", () => ({ "sec-fetch-site": "none" })],
    ["an admitted page", () => ({ "sec-fetch-site": "cross-site", origin: admitted })],
  ])("of %s is let in", async (_, headers) => {
    const given = { cookie: session.cookie, ...headers() };
    expect((await call("GET", "/api/v1/auth/profile", given)).status).toBe(200);
  });

  it("counts less than a credential in the header", async () => {
    const headers = { cookie: session.cookie, authorization: "Bearer forged", ...own };
    expect((await call("GET", "/api/v1/auth/profile", headers)).json.reason).toBe("TOKEN_INVALID");
  });

  it("does not count when it came twice, or not from us", async () => {
    for (const cookie of [`${session.cookie}; __Host-session=x`, "__Host-session="]) {
      const answer = await call("GET", "/api/v1/auth/profile", { cookie, ...own });
      expect(answer.json.reason).toBe("CREDENTIALS_MISSING");
    }
    const forged = await call("GET", "/api/v1/auth/profile", { cookie: "__Host-session=forged", ...own });
    expect(forged.json.reason).toBe("TOKEN_INVALID");
  });

  it("does not count where cookies are switched off", async () => {
    const headers = { cookie: session.cookie, ...own };
    const answer = await send(off.url, "GET", "/api/v1/auth/profile", { headers });
    expect(answer.json.reason).toBe("CREDENTIALS_MISSING");
  });

  it.each([
    ["Connect", createConnectTransport],
    ["gRPC-Web", createGrpcWebTransport],
  ])("is held to the same over %s", async (_, createTransport) => {
    const client = createClient(AgentsService, createTransport({ baseUrl: platform.url }));
    const headers = { cookie: session.cookie, ...own };
    const agent = { name: `over ${_}`, agentType: "b" };
    expect((await client.listAgents({}, { headers })).agents.length).toBeGreaterThan(0);
    const refused = client.createAgent({ agent }, { headers });
    await expect(refused).rejects.toThrow("Send the value of the cookie __Host-csrf as x-csrf-token.");
    const created = await client.createAgent(
      { agent },
      { headers: { ...headers, "x-csrf-token": session.csrf } },
    );
    expect(created.agent?.name).toBe(agent.name);
  });
});

describe("a session in cookies", () => {
  const refresh = (headers: Record<string, string>) =>
    call("POST", "/api/v1/auth/refresh", { "x-session": "cookie", ...own, ...headers }, {});

  it("goes on with new cookies, also after its access token has expired", async () => {
    const first = sessionOf(await login());
    platform.advance(901_000);
    const expired = await call("GET", "/api/v1/auth/profile", { cookie: first.cookie, ...own });
    expect(expired.json.reason).toBe("TOKEN_EXPIRED");
    const answer = await refresh({ cookie: first.cookie, "x-csrf-token": first.csrf });
    expect(answer.json.tokens).toMatchObject({ access_token: "", refresh_token: "" });
    const next = sessionOf(answer);
    expect(next.csrf).not.toBe(first.csrf);
    expect((await call("GET", "/api/v1/auth/profile", { cookie: next.cookie, ...own })).status).toBe(200);
  });

  it("is not refreshed without its token, from elsewhere, or without its cookie", async () => {
    const { cookie, csrf } = sessionOf(await login());
    expect((await refresh({ cookie })).json.reason).toBe("CSRF_TOKEN_INVALID");
    const elsewhere = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    expect((await refresh({ cookie, "x-csrf-token": csrf, ...elsewhere })).json.reason).toBe(
      "ORIGIN_NOT_ALLOWED",
    );
    expect((await refresh({ "x-csrf-token": csrf })).json.reason).toBe("REFRESH_TOKEN_INVALID");
    expect((await refresh({ cookie, "x-csrf-token": csrf })).status).toBe(200);
  });

  it("goes on in two tabs that refresh at once, each with cookies that work", async () => {
    const { cookie, csrf } = sessionOf(await login());
    const tabs = await Promise.all([1, 2].map(() => refresh({ cookie, "x-csrf-token": csrf })));
    expect(tabs.map(({ status }) => status)).toEqual([200, 200]);
    const refreshCookies = tabs.map((answer) => cookiesOf(answer).get("__Host-refresh"));
    expect(refreshCookies[0]).toBe(refreshCookies[1]);
    for (const tab of tabs.map(sessionOf)) {
      expect((await call("GET", "/api/v1/auth/profile", { cookie: tab.cookie, ...own })).status).toBe(200);
    }
    const last = sessionOf(tabs[0] as Answer);
    expect((await refresh({ cookie: last.cookie, "x-csrf-token": last.csrf })).status).toBe(200);
  });

  it.each([
    ["10 seconds later", async () => platform.advance(10_000)],
    [
      "when the next one has been used",
      async ({ cookie, csrf }: Session) => void (await refresh({ cookie, "x-csrf-token": csrf })),
    ],
  ])("loses its cookies when its refresh token comes again %s", async (_, pass) => {
    const { cookie, csrf } = sessionOf(await login());
    const next = await refresh({ cookie, "x-csrf-token": csrf });
    expect(next.status).toBe(200);
    await pass(sessionOf(next));
    const again = await refresh({ cookie, "x-csrf-token": csrf });
    expect([again.status, again.json.reason]).toEqual([401, "REFRESH_TOKEN_REUSED"]);
    expect([...cookiesOf(again).values()]).toEqual(["", "", ""]);
    expect(again.headers["set-cookie"]?.every((line) => line.endsWith("Max-Age=0"))).toBe(true);
  });

  it("ends with its cookies", async () => {
    const { cookie, csrf } = sessionOf(await login());
    const headers = { cookie, "x-csrf-token": csrf, ...own };
    const ended = await call("POST", "/api/v1/auth/logout", headers, {});
    expect([ended.status, [...cookiesOf(ended).values()]]).toEqual([200, ["", "", ""]]);
    const answer = await refresh({ cookie, "x-csrf-token": csrf });
    expect([answer.status, answer.json.reason]).toEqual([401, "REFRESH_TOKEN_INVALID"]);
  });

  it("does not end without its token", async () => {
    const { cookie } = sessionOf(await login());
    const answer = await call("POST", "/api/v1/auth/logout", { cookie, ...own }, {});
    expect([answer.status, answer.json.reason]).toEqual([403, "CSRF_TOKEN_INVALID"]);
    expect(answer.headers).not.toHaveProperty("set-cookie");
  });
});

/** The platform's time when the session's access token was issued, in milliseconds. */
const issuedAt = ({ cookie }: Session) =>
  (decodeJwt(/__Host-session=([^;]+)/.exec(cookie)?.[1] ?? "").iat ?? 0) * 1000;

describe("a session in cookies of another tenant than the default", () => {
  const member = { tenant: `t-${Date.now()}`, username: "ada", password: "four little ducks went out" };
  let operator: Session;
  beforeAll(async () => {
    operator = sessionOf(await login());
    const { cookie, csrf } = operator;
    const headers = { cookie, "x-csrf-token": csrf, ...own };
    await call("POST", "/api/v1/tenants", headers, { name: member.tenant });
    const there = { ...headers, "x-tenant": member.tenant };
    const invitation = await call("POST", "/api/v1/auth/invitations", there, {});
    const request = { ...member, invitation_token: invitation.json.token };
    expect((await call("POST", "/api/v1/auth/register", own, request)).status).toBe(200);
  });

  const signIn = (changes: object = {}) =>
    call("POST", "/api/v1/auth/login", { "x-session": "cookie", ...own }, { ...member, ...changes });
  const profile = ({ cookie }: Session, headers: Record<string, string> = {}) =>
    call("GET", "/api/v1/auth/profile", { cookie, ...own, ...headers });
  const post = (path: string, { cookie, csrf }: Session) =>
    call("POST", path, { "x-session": "cookie", cookie, "x-csrf-token": csrf, ...own }, {});

  it("begins there alone", async () => {
    const { json: body } = await profile(sessionOf(await signIn()));
    expect([body.username, body.tenant_id === "default"]).toEqual(["ada", false]);
    const elsewhere = await signIn({ tenant: "" });
    expect([elsewhere.status, elsewhere.json.reason]).toEqual([401, "CREDENTIALS_INVALID"]);
    expect(elsewhere.headers).not.toHaveProperty("set-cookie");
  });

  it("goes on in two tabs that refresh at once, in its tenant", async () => {
    const first = sessionOf(await signIn());
    const tabs = await Promise.all([1, 2].map(() => post("/api/v1/auth/refresh", first)));
    expect(tabs.map(({ status }) => status)).toEqual([200, 200]);
    const { tenant_id: tenant } = (await profile(first)).json;
    for (const tab of tabs.map(sessionOf)) expect((await profile(tab)).json.tenant_id).toBe(tenant);
  });

  it("ends at once with a logout, its access token and the other tab's included", async () => {
    const first = sessionOf(await signIn());
    const tab = sessionOf(await post("/api/v1/auth/refresh", first));
    expect((await post("/api/v1/auth/logout", tab)).status).toBe(200);
    for (const session of [first, tab]) {
      await until(async () => (await profile(session)).json.reason === "TOKEN_REVOKED");
      const refreshed = await post("/api/v1/auth/refresh", session);
      expect([refreshed.status, refreshed.json.reason]).toEqual([401, "REFRESH_TOKEN_INVALID"]);
    }
  });

  it("acts in no other tenant, which a session of who administers tenants does", async () => {
    const headers = { cookie: operator.cookie, ...own, "x-tenant": member.tenant };
    const listed = await call("GET", "/api/v1/users", headers);
    expect(listed.json.users.map(({ username }: { username: string }) => username)).toEqual(["ada"]);
    const refused = await profile(sessionOf(await signIn()), { "x-tenant": "default" });
    expect([refused.status, refused.json.reason]).toEqual([403, "TENANT_NOT_ALLOWED"]);
  });

  it("needs its token to act in another tenant", async () => {
    const headers = { cookie: operator.cookie, ...own, "x-tenant": member.tenant };
    const refused = await call("POST", "/api/v1/auth/invitations", headers, {});
    expect([refused.status, refused.json.reason]).toEqual([403, "CSRF_TOKEN_INVALID"]);
  });
});

describe("a sign-in for cookies to an account with a second factor", () => {
  it("gets cookies with its code alone", async () => {
    const operator = sessionOf(await login());
    const account = { username: `bob-${Date.now()}`, password: "four little ducks went out" };
    const { cookie, csrf } = operator;
    const invitation = await call(
      "POST",
      "/api/v1/auth/invitations",
      { cookie, "x-csrf-token": csrf, ...own },
      {},
    );
    const request = { ...account, invitation_token: invitation.json.token };
    await call("POST", "/api/v1/auth/register", own, request);
    const signIn = (code?: string) =>
      call(
        "POST",
        "/api/v1/auth/login",
        { "x-session": "cookie", ...own },
        { ...account, ...(code && { second_factor_code: code }) },
      );
    const session = sessionOf(await signIn());
    const headers = { cookie: session.cookie, "x-csrf-token": session.csrf, ...own };
    const { password } = account;
    const setUp = await call("POST", "/api/v1/auth/second-factor", headers, { password });
    const code = codeOfUri(setUp.json.otpauth_uri, issuedAt(session));
    const confirmed = await call("POST", "/api/v1/auth/second-factor/confirm", headers, { code });
    const without = await signIn();
    expect([without.status, without.json.reason]).toEqual([401, "SECOND_FACTOR_REQUIRED"]);
    expect(without.headers).not.toHaveProperty("set-cookie");
    const wrong = await signIn("aaaaaaaaaaaaaaaa");
    expect([wrong.status, wrong.json.reason]).toEqual([401, "SECOND_FACTOR_INVALID"]);
    const answer = await signIn(confirmed.json.recovery_codes[0]);
    expect([answer.status, answer.json.tokens.access_token]).toEqual([200, ""]);
    expect([...cookiesOf(answer).keys()]).toHaveLength(3);
  });
});
