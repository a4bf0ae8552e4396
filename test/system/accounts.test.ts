import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminPassword, startPlatform, type TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startPlatform({
    names: ["auth", "gateway"],
    environment: {
      // As many as the attempts of an address that this file makes.
      AUTH_ADDRESS_FAILURES: "8",
      TRUSTED_PROXY_HOPS: "1",
      PEER_SECRET: "what workloads without a mesh prove themselves by",
    },
  });
}, 60_000);
afterAll(() => platform?.stop());

const password = "four little ducks went out";
let made = 0;

/** Calls from an address, as our proxy reports it. */
function calling(address: string, token?: string, more: Record<string, string> = {}) {
  return (method: string, path: string, body?: object) =>
    restClient(platform.url, token)(method, path, body, { "x-forwarded-for": address, ...more });
}

async function tokenOf(username: string, given: string, address = "203.0.113.1") {
  const { body } = await calling(address)("POST", "/api/v1/auth/login", { username, password: given });
  return body.tokens.access_token as string;
}

/** A user that admin has invited, signed in. */
async function invited() {
  const admin = calling("203.0.113.1", await tokenOf("admin", adminPassword));
  const { body } = await admin("POST", "/api/v1/auth/invitations", {});
  made += 1;
  const username = `invited-${made}`;
  const request = { invitation_token: body.token, username, password };
  const answer = await calling("203.0.113.1")("POST", "/api/v1/auth/register", request);
  expect(answer.status).toBe(200);
  return { username, id: answer.body.user_id as string, token: await tokenOf(username, password) };
}

const outcome = ({ status, body }: { status: number; body: { reason?: string } }) => [status, body.reason];

describe("the methods of accounts", () => {
  it.each([
    ["POST", "/api/v1/auth/invitations", {}],
    ["GET", "/api/v1/auth/invitations", undefined],
    ["DELETE", "/api/v1/auth/invitations/0190a000-0000-7000-8000-000000000001", undefined],
    ["POST", "/api/v1/auth/accounts/0190a000-0000-7000-8000-000000000001/password-reset", {}],
    ["POST", "/api/v1/auth/accounts/0190a000-0000-7000-8000-000000000001/unlock", {}],
  ])("let administrators alone do %s %s", async (method, path, body) => {
    const { token } = await invited();
    expect(outcome(await calling("203.0.113.1")(method, path, body))).toEqual([401, "CREDENTIALS_MISSING"]);
    const refused = await calling("203.0.113.1", token)(method, path, body);
    expect(outcome(refused)).toEqual([403, "PERMISSION_MISSING"]);
    const admin = await calling("203.0.113.1", await tokenOf("admin", adminPassword))(method, path, body);
    expect([200, 404]).toContain(admin.status);
  });

  it("change a password for a session, and for no API key", async () => {
    const { username, token } = await invited();
    const own = calling("203.0.113.1", token);
    const { body } = await own("POST", "/api/v1/auth/api-keys", {
      name: "robot",
      scopes: ["PERMISSION_AGENT_READ"],
    });
    const change = { old_password: password, new_password: "five little ducks went out" };
    const keyed = await calling("203.0.113.1", body.key)("POST", "/api/v1/auth/password/change", change);
    expect(outcome(keyed)).toEqual([403, "SESSION_REQUIRED"]);
    expect((await own("POST", "/api/v1/auth/password/change", change)).status).toBe(200);
    await expect(tokenOf(username, change.new_password)).resolves.toBeDefined();
  });

  it("tell a stranger by which rule a name or a password is refused", async () => {
    const register = (request: object) => calling("203.0.113.1")("POST", "/api/v1/auth/register", request);
    expect(outcome(await register({ username: "Ada", password }))).toEqual([400, "VALIDATION_FAILED"]);
    expect(outcome(await register({ username: "ada", password }))).toEqual([403, "REGISTRATION_CLOSED"]);
    const invitation_token = "cin_unknown";
    const unknown = await register({ username: "ada", password, invitation_token });
    expect(outcome(unknown)).toEqual([401, "INVITATION_INVALID"]);
  });
});

describe("a failed sign-in", () => {
  const guess = (username: string, address: string, more: Record<string, string> = {}) =>
    calling(address, undefined, more)("POST", "/api/v1/auth/login", { username, password: "a wrong one" });

  it("delays the next to its account, which is told how long", async () => {
    const { username } = await invited();
    for (let i = 0; i < 5; i++) {
      expect(outcome(await guess(username, `198.51.100.${i}`))).toEqual([401, "CREDENTIALS_INVALID"]);
    }
    const delayed = await guess(username, "198.51.100.99");
    expect(outcome(delayed)).toEqual([429, "SIGN_IN_DELAYED"]);
    expect(delayed.headers.get("retry-after")).toBe("1");
    platform.advance(1_000);
    await expect(tokenOf(username, password, "198.51.100.99")).resolves.toBeDefined();
  });

  it("counts for the address that our proxy reports, and not for one that the client claims", async () => {
    const { username } = await invited();
    for (let i = 0; i < 8; i++) {
      await guess(`nobody-${i}`, "192.0.2.200", { "x-consciousness-client-address": `10.1.1.${i}` });
    }
    expect(outcome(await guess(username, "192.0.2.200"))).toEqual([429, "SIGN_IN_DELAYED"]);
    await expect(tokenOf(username, password, "192.0.2.201")).resolves.toBeDefined();
  });
});
