import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPlatform, type TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";

let platform: TestPlatform;
let owner: ReturnType<typeof restClient>;
let anybody: ReturnType<typeof restClient>;
beforeAll(async () => {
  platform = await startPlatform();
  owner = restClient(platform.url, await platform.signIn());
  anybody = restClient(platform.url);
});
afterAll(() => platform?.stop());

const agents = "/api/v1/agents";
const keys = "/api/v1/auth/api-keys";
const accounts = "/api/v1/auth/service-accounts";
const told = ({ status, body }: Awaited<ReturnType<typeof anybody>>) => ({ status, reason: body.reason });

async function makeKey(scopes = ["PERMISSION_AGENT_READ"]) {
  const { body } = await owner("POST", keys, { name: "export", scopes });
  return { key: body.key as string, id: body.api_key.id as string };
}

async function makeAccount(changes: object = {}) {
  const account = { permissions: ["PERMISSION_AGENT_READ"], ...changes };
  const { body } = await owner("POST", accounts, account);
  return { id: body.service_account.id as string, secret: body.client_secret as string };
}

function ask(form: Record<string, string>, headers: Record<string, string> = {}) {
  const type = { "content-type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams({ grant_type: "client_credentials", ...form }).toString();
  return anybody("POST", "/api/v1/auth/token", body, { ...type, ...headers });
}

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`,
});

describe("an API key", () => {
  it("calls in either header, and may do what its scopes say", async () => {
    const { key } = await makeKey();
    const headers: Record<string, string>[] = [{ "x-api-key": key }, { authorization: `Bearer ${key}` }];
    for (const header of headers) {
      expect((await anybody("GET", agents, undefined, header)).status).toBe(200);
      const denied = await anybody("POST", agents, { name: "x", agent_type: "x" }, header);
      expect(told(denied)).toEqual({ status: 403, reason: "PERMISSION_MISSING" });
    }
  });

  it("makes no key, lists none, and ends no session", async () => {
    const { key, id } = await makeKey();
    const header = { "x-api-key": key };
    const required = { status: 403, reason: "SESSION_REQUIRED" };
    const scopes = ["PERMISSION_AGENT_READ"];
    expect(told(await anybody("POST", keys, { name: "more", scopes }, header))).toEqual(required);
    expect(told(await anybody("GET", keys, undefined, header))).toEqual(required);
    expect(told(await anybody("DELETE", `${keys}/${id}`, undefined, header))).toEqual(required);
    expect(told(await anybody("POST", "/api/v1/auth/logout", {}, header))).toEqual(required);
  });

  it("is refused beside another credential", async () => {
    const { key } = await makeKey();
    const answer = await owner("GET", agents, undefined, { "x-api-key": key });
    expect(told(answer)).toEqual({ status: 400, reason: "CREDENTIALS_AMBIGUOUS" });
  });

  it("is refused when nobody has it, or its owner has ended it", async () => {
    const invalid = { status: 401, reason: "API_KEY_INVALID" };
    const unknown = { "x-api-key": `cek_abcdefgh_${"x".repeat(43)}` };
    expect(told(await anybody("GET", agents, undefined, unknown))).toEqual(invalid);
    const { key, id } = await makeKey();
    const header = { "x-api-key": key };
    expect((await anybody("GET", agents, undefined, header)).status).toBe(200);
    expect((await owner("DELETE", `${keys}/${id}`)).status).toBe(200);
    await expect.poll(async () => told(await anybody("GET", agents, undefined, header))).toEqual(invalid);
  });
});

describe("a service account", () => {
  it("signs in at the token endpoint, by its form or by Basic, and calls by the token", async () => {
    const { id, secret } = await makeAccount({ name: "by-secret" });
    for (const answer of [
      await ask({ client_id: id, client_secret: secret }),
      await ask({}, basic(id, secret)),
      await ask({ client_id: id, scope: "AGENT_READ" }, basic(id, encodeURIComponent(secret))),
    ]) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get("cache-control")).toContain("no-store");
      expect(answer.body).toMatchObject({ token_type: "Bearer", expires_in: 900, scope: "AGENT_READ" });
      const header = { authorization: `Bearer ${answer.body.access_token}` };
      expect((await anybody("GET", agents, undefined, header)).status).toBe(200);
      const denied = await anybody("GET", accounts, undefined, header);
      expect(told(denied)).toEqual({ status: 403, reason: "PERMISSION_MISSING" });
    }
  });

  it("is refused in the form of RFC 6749", async () => {
    const { id, secret } = await makeAccount({ name: "refused" });
    const wrong = await ask({}, basic(id, `${secret}x`));
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("content-type")).toBe("application/json");
    expect(wrong.headers.get("www-authenticate")).toBe("Basic");
    expect(wrong.body).toMatchObject({ error: "invalid_client", reason: "CLIENT_CREDENTIALS_INVALID" });
    const refusals: [string, string, Awaited<ReturnType<typeof ask>>][] = [
      ["invalid_request", "CREDENTIALS_AMBIGUOUS", await ask({ client_secret: secret }, basic(id, secret))],
      ["invalid_client", "CLIENT_CREDENTIALS_INVALID", await ask({ client_id: "other" }, basic(id, secret))],
      ["invalid_client", "CLIENT_CREDENTIALS_INVALID", await ask({}, { authorization: "Basic ***" })],
      ["invalid_client", "CLIENT_CREDENTIALS_INVALID", await ask({}, { authorization: "Basic eA==" })],
      ["invalid_scope", "GRANT_EXCEEDED", await ask({ scope: "USER_ADMIN" }, basic(id, secret))],
      ["unsupported_grant_type", "GRANT_TYPE_UNSUPPORTED", await ask({ grant_type: "password" })],
      ["invalid_request", "BODY_MALFORMED", await ask({ grant_type: "" })],
    ];
    for (const [error, reason, { status, body }] of refusals) {
      expect({ status, ...body }).toMatchObject({
        status: error === "invalid_client" ? 401 : 400,
        error,
        reason,
      });
      expect(body.error_description).toBe(body.detail);
    }
  });

  it("is no one whom a forwarded certificate names, where no mesh forwards any", async () => {
    const spiffeId = "spiffe://cluster.local/ns/prod/sa/export";
    await makeAccount({ name: "by-certificate", spiffe_id: spiffeId });
    const forged = {
      "x-forwarded-client-cert": `By=spiffe://cluster.local/ns/prod/sa/gateway;URI=${spiffeId}`,
    };
    const answer = await anybody("GET", agents, undefined, forged);
    expect(told(answer)).toEqual({ status: 401, reason: "CREDENTIALS_MISSING" });
  });
});
