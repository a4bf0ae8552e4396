import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Authority, createAuthority, type IssuedKeys } from "../support/authority.js";
import { adminPassword, startPlatform, type TestPlatform } from "../support/platform.js";

let directory: string;
let authority: Authority;
let platform: TestPlatform;
let port: number;
let person: IssuedKeys;
let program: IssuedKeys;
let stranger: IssuedKeys;
let token: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "client-certificates-"));
  authority = await createAuthority();
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const own = await authority.issue();
  [person, program, stranger] = await Promise.all([
    authority.issue(),
    authority.issue("export"),
    authority.issue("stranger"),
  ]);
  platform = await startPlatform({
    environment: {
      TLS_KEY_FILE: file("own.key", own.key),
      TLS_CERT_FILE: file("own.cert", own.cert),
      TLS_CLIENT_CA_FILE: file("ca.cert", authority.cert),
    },
  });
  port = Number(new URL(platform.url).port);
  const login = await call(person, "POST", "/api/v1/auth/login", {
    body: { username: "admin", password: adminPassword },
  });
  token = login.body.tokens.access_token;
  const account = {
    name: "export",
    permissions: ["PERMISSION_AGENT_READ"],
    spiffe_id: "spiffe://cluster.local/ns/prod/sa/export",
  };
  await call(person, "POST", "/api/v1/auth/service-accounts", { body: account, bearer: token });
});
afterAll(async () => {
  await platform?.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface Sent {
  readonly body?: object;
  readonly bearer?: string;
  readonly header?: Record<string, string>;
}

/** A REST call with a client certificate. */
function call(keys: IssuedKeys, method: string, path: string, { body, bearer, header }: Sent = {}) {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of any shape.
  return new Promise<{ status: number; body: any }>((resolve, reject) => {
    const headers = {
      ...(bearer && { authorization: `Bearer ${bearer}` }),
      ...(body && { "content-type": "application/json" }),
      ...header,
    };
    const options = { host: "localhost", port, method, path, headers, ca: authority.cert, ...keys };
    const sent = request(options, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) });
    });
    sent.on("error", reject).end(body && JSON.stringify(body));
  });
}

const reasonOf = ({ status, body }: Awaited<ReturnType<typeof call>>) => ({ status, reason: body.reason });
const agents = "/api/v1/agents";

it("takes the certificate of a service account for it, within what it may do", async () => {
  expect((await call(program, "GET", agents)).status).toBe(200);
  const denied = await call(program, "GET", "/api/v1/auth/service-accounts");
  expect(reasonOf(denied)).toEqual({ status: 403, reason: "PERMISSION_MISSING" });
});

it("takes any other certificate for nobody", async () => {
  for (const keys of [person, stranger]) {
    const answer = await call(keys, "GET", agents);
    expect(reasonOf(answer)).toEqual({ status: 401, reason: "CREDENTIALS_MISSING" });
  }
});

it("asks another credential first, and does not fall back to the certificate", async () => {
  const header = { "x-api-key": `cek_abcdefgh_${"x".repeat(43)}` };
  expect(reasonOf(await call(program, "GET", agents, { header }))).toEqual({
    status: 401,
    reason: "API_KEY_INVALID",
  });
  expect(reasonOf(await call(program, "GET", agents, { bearer: "forged" }))).toEqual({
    status: 401,
    reason: "TOKEN_INVALID",
  });
  expect((await call(program, "GET", "/api/v1/auth/service-accounts", { bearer: token })).status).toBe(200);
});

it("takes no forwarded certificate for the client's", async () => {
  const header = { "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/prod/sa/export" };
  const answer = await call(stranger, "GET", agents, { header });
  expect(reasonOf(answer)).toEqual({ status: 401, reason: "CREDENTIALS_MISSING" });
});
