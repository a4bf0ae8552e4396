import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { errorFacts } from "../../services/kit/errors.js";
import { adminPassword, startPlatform, type TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";

const issuer = "https://api.example/identity";
const origin = "https://api.example";
const metadata = `resource_metadata="${origin}/.well-known/oauth-protected-resource"`;
let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform({
    names: ["auth", "gateway"],
    environment: {
      TOKEN_ISSUER: issuer,
      AUTH_SIGNING_ALGORITHM: "ES256",
      PEER_SECRET: "what workloads without a mesh prove themselves by",
    },
  });
});
afterAll(() => platform.stop());

async function signIn() {
  const credentials = { username: "admin", password: adminPassword };
  const { body } = await restClient(platform.url)("POST", "/api/v1/auth/login", credentials);
  const { access_token: access, refresh_token: refresh } = body.tokens;
  return { access, refresh, call: restClient(platform.url, access) };
}

const reasonOf = ({ status, body }: { status: number; body: { reason?: string } }) => [status, body.reason];
const profile = "/api/v1/auth/profile";

describe("an access token", () => {
  it("is refused a second after its session ended, with every other token of it", async () => {
    const { call, refresh } = await signIn();
    const { body } = await restClient(platform.url)("POST", "/api/v1/auth/refresh", {
      refresh_token: refresh,
    });
    const next = restClient(platform.url, body.tokens.access_token);
    const other = await signIn();
    expect([(await call("GET", profile)).status, (await next("GET", profile)).status]).toEqual([200, 200]);
    expect((await call("POST", "/api/v1/auth/logout", {})).status).toBe(200);
    platform.advance(1000);
    for (const client of [call, next]) {
      expect(reasonOf(await client("GET", profile))).toEqual([401, "TOKEN_REVOKED"]);
    }
    expect((await other.call("GET", profile)).status).toBe(200);
  });

  it("is refused when its owner ended its session elsewhere, and those of others when all ended", async () => {
    const [here, there, third] = [await signIn(), await signIn(), await signIn()];
    const sessionOf = async ({ call }: typeof here): Promise<string> => {
      const { body } = await call("GET", "/api/v1/auth/sessions?page_size=200");
      return body.sessions.find(({ current }: { current: boolean }) => current).id;
    };
    const path = `/api/v1/auth/sessions/${await sessionOf(there)}`;
    expect((await here.call("DELETE", path)).status).toBe(200);
    expect(reasonOf(await here.call("DELETE", path))).toEqual([404, "SESSION_NOT_FOUND"]);
    platform.advance(1000);
    expect(reasonOf(await there.call("GET", profile))).toEqual([401, "TOKEN_REVOKED"]);
    expect((await third.call("GET", profile)).status).toBe(200);
    expect((await here.call("DELETE", "/api/v1/auth/sessions")).body.ended).toBeGreaterThan(0);
    platform.advance(1000);
    expect(reasonOf(await third.call("GET", profile))).toEqual([401, "TOKEN_REVOKED"]);
    expect((await here.call("GET", profile)).status).toBe(200);
  });

  it("is signed as configured, by a key that is published", async () => {
    const { access } = await signIn();
    const [header = "", claims = ""] = access.split(".");
    const part = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString());
    const { body } = await restClient(platform.url)("GET", "/.well-known/jwks.json");
    expect(body.keys).toHaveLength(1);
    expect(Object.keys(body.keys[0]).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    expect(part(header)).toEqual({ alg: "ES256", typ: "at+jwt", kid: body.keys[0].kid });
    expect(part(claims)).toMatchObject({ iss: issuer, aud: "consciousness-api" });
  });
});

describe("a caller without a good credential", () => {
  const clients: [string, () => Client<typeof AuthService>][] = [
    [
      "Connect",
      () => createClient(AuthService, createConnectTransport({ baseUrl: platform.url, httpVersion: "1.1" })),
    ],
    ["gRPC", () => createClient(AuthService, createGrpcTransport({ baseUrl: platform.url }))],
  ];

  it("is told over REST where to get one", async () => {
    const answer = await restClient(platform.url)("GET", profile);
    expect(reasonOf(answer)).toEqual([401, "CREDENTIALS_MISSING"]);
    expect(answer.headers.get("www-authenticate")).toBe(`Bearer ${metadata}`);
    const forged = await restClient(platform.url, "forged")("GET", profile);
    expect(reasonOf(forged)).toEqual([401, "TOKEN_INVALID"]);
    expect(forged.headers.get("www-authenticate")).toBe(`Bearer error="invalid_token", ${metadata}`);
  });

  it.each(clients)("is told so over %s", async (_, client) => {
    const attempt = client().getProfile({}, { headers: { authorization: "Bearer forged" } });
    const error = ConnectError.from(await attempt.catch((caught) => caught));
    expect([error.code, errorFacts(error)?.reason]).toEqual([Code.Unauthenticated, "TOKEN_INVALID"]);
    expect(error.metadata.get("www-authenticate")).toBe(`Bearer error="invalid_token", ${metadata}`);
  });
});

describe("discovery", () => {
  it.each(["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"])(
    "tells at %s how to get tokens, and nothing that does not exist",
    async (path) => {
      const { status, headers, body } = await restClient(platform.url)("GET", path);
      expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
      expect(body).toMatchObject({
        issuer,
        jwks_uri: `${origin}/.well-known/jwks.json`,
        token_endpoint: `${origin}/api/v1/auth/token`,
        grant_types_supported: ["client_credentials"],
        response_types_supported: [],
        id_token_signing_alg_values_supported: [],
      });
      expect(body.scopes_supported).toContain("AGENT_READ");
      for (const uri of [body.jwks_uri, body.service_documentation]) {
        const found = await fetch(uri.replace(origin, platform.url));
        expect(found.status).toBe(200);
        await found.body?.cancel();
      }
      const { access } = await signIn();
      const claims = JSON.parse(Buffer.from(access.split(".")[1] ?? "", "base64url").toString());
      expect(body.claims_supported).toEqual(expect.arrayContaining(Object.keys(claims)));
      const form = { method: "POST", body: new URLSearchParams({ grant_type: "password" }) };
      const token = await fetch(body.token_endpoint.replace(origin, platform.url), form);
      expect(token.status).toBe(400);
    },
  );

  it("tells who issues tokens for the API, and where they may be sent", async () => {
    const path = "/.well-known/oauth-protected-resource";
    const { status, body } = await restClient(platform.url)("GET", path);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      resource: origin,
      authorization_servers: [issuer],
      bearer_methods_supported: ["header"],
    });
  });
});
