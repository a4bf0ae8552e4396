import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../services/kit/ids.js";
import { freshDataDirectory } from "../support/data-directory.js";
import { adminPassword, startPlatform, type TestPlatform } from "../support/platform.js";
import { type RestAnswer, restClient } from "../support/rest.js";
import { until } from "../support/until.js";

interface Event {
  readonly method: string;
  readonly target: string;
  readonly code: string;
  readonly reason: string;
  readonly count: number;
  readonly actor?: { readonly kind: string; readonly subject: string; readonly api_key_id: string };
}

let platform: TestPlatform;
let rest: ReturnType<typeof restClient>;
let admin: string;

beforeAll(async () => {
  platform = await startPlatform();
  const answer = await signIn("admin", adminPassword);
  admin = answer.body.profile.id;
  rest = restClient(platform.url, answer.body.tokens.access_token);
}, 60_000);
afterAll(() => platform?.stop());

function signIn(username: string, password: string): Promise<RestAnswer> {
  const body = { username, password };
  return restClient(platform.url)("POST", "/api/v1/auth/login", body, { "user-agent": "a test/1" });
}

async function events(filter: Record<string, string>): Promise<Event[]> {
  const { status, body } = await rest("GET", `/api/v1/audit/events?${new URLSearchParams(filter)}`);
  expect(status).toBe(200);
  return body.events ?? [];
}

const auth = "consciousness.auth.v1.AuthService";
const agents = "consciousness.agents.v1.AgentsService";

describe("a sign-in", () => {
  it("is in the record when its answer arrives, with who, from where and when", async () => {
    const [event] = await events({ method: `${auth}/Login`, outcome: "AUDIT_OUTCOME_OK" });
    expect(event).toMatchObject({
      actor: { kind: "SUBJECT_KIND_USER", subject: admin, tenant_id: "default" },
      target: admin,
      audit_class: "AUDIT_CLASS_SECURITY",
      address: "127.0.0.1",
      user_agent: "a test/1",
      workload: "gateway",
    });
  });

  it("that failed is there too, by the account's id, with neither password nor token", async () => {
    const refused = await signIn("admin", "a wrong password");
    expect(refused.status).toBe(401);
    const [event] = await events({ reason: "CREDENTIALS_INVALID" });
    expect(event).toMatchObject({ target: admin, code: "UNAUTHENTICATED", method: `${auth}/Login` });
    expect(event?.actor?.subject ?? "").toBe("");
  });

  it("with the name of no account leaves a hash of the name", async () => {
    await signIn("correct horse battery", "staple");
    const [event] = await events({ reason: "CREDENTIALS_INVALID" });
    expect(event?.target).toMatch(/^name:[\w-]{43}$/);
  });
});

describe("a change", () => {
  it("is found by what it changed, and by its request", async () => {
    const made = await rest("POST", "/api/v1/agents", { name: "Audited", agent_type: "support" });
    const removed = await rest("DELETE", `/api/v1/agents/${made.body.id}`);
    expect(removed.status).toBe(200);
    const found = await events({ target: made.body.id });
    expect(found.map(({ method }) => method)).toEqual([`${agents}/DeleteAgent`, `${agents}/CreateAgent`]);
    expect(found.every(({ actor }) => actor?.subject === admin)).toBe(true);
  });
});

describe("a refusal", () => {
  it("of nobody is the platform's, soon after", async () => {
    const refused = await restClient(platform.url, "no.good.token")("GET", "/api/v1/agents");
    expect(refused.status).toBe(401);
    const event = await until(async () => {
      const found = await events({ platform: "true", reason: "TOKEN_INVALID" });
      return found[0];
    });
    expect(event).toMatchObject({ method: `${agents}/ListAgents`, code: "UNAUTHENTICATED" });
  });

  it("of a machine without the permission is its tenant's", async () => {
    const machine = await serviceAccount("without permissions", ["PERMISSION_AGENT_READ"]);
    const refused = await machine.rest("GET", "/api/v1/audit/events");
    expect([refused.status, refused.body.reason]).toEqual([403, "PERMISSION_MISSING"]);
    const event = await until(async () => {
      const found = await events({ subject: machine.id, outcome: "AUDIT_OUTCOME_DENIED" });
      return found[0];
    });
    expect(event).toMatchObject({ actor: { kind: "SUBJECT_KIND_MACHINE" }, reason: "PERMISSION_MISSING" });
  });
});

it("records who a machine's sign-in by OAuth was of", async () => {
  const machine = await serviceAccount("signed in", ["PERMISSION_AGENT_READ"]);
  const found = await events({ subject: machine.id, outcome: "AUDIT_OUTCOME_OK" });
  expect(found).toMatchObject([{ method: "consciousness.auth.v1.ServiceAccountsService/Token" }]);
});

it("records the use of an API key", async () => {
  const body = { name: "audited", scopes: ["PERMISSION_AGENT_READ"] };
  const made = await rest("POST", "/api/v1/auth/api-keys", body);
  expect(made.status).toBe(200);
  const used = await restClient(platform.url, made.body.key)("GET", "/api/v1/agents");
  expect(used.status).toBe(200);
  const event = await until(async () => {
    const found = (await events({ method: `${agents}/ListAgents` })).filter(({ actor }) => actor?.api_key_id);
    return found[0];
  });
  expect(event).toMatchObject({ actor: { subject: admin, api_key_id: made.body.api_key.id }, code: "OK" });
});

it("lets an engine that knew a shared agent forget it when the share is withdrawn", async () => {
  const machine = await serviceAccount("asks", ["PERMISSION_AGENT_READ", "PERMISSION_CONSCIOUSNESS_WRITE"]);
  const knowledge = [{ title: "Hours", text: "The returns desk opens at nine in the morning." }];
  const draft = { name: "Shared", agent_type: "support", status: "AGENT_STATUS_ACTIVE", knowledge };
  const { id } = (await rest("POST", "/api/v1/agents", draft)).body;
  const ask = () =>
    machine.rest("POST", "/api/v1/consciousness/process", {
      agent_id: id,
      input: "When does the returns desk open?",
    });
  const path = `/api/v1/agents/${id}/shares/${machine.id}`;
  expect((await ask()).body.reason).toBe("AGENT_NOT_FOUND");
  expect((await rest("PUT", path, { role: "AGENT_ROLE_VIEWER" })).status).toBe(200);
  expect(await until(async () => (await ask()).status === 200)).toBe(true);
  expect((await rest("DELETE", path)).status).toBe(200);
  const refused = await until(async () => {
    const answer = await ask();
    return answer.status === 404 ? answer : undefined;
  });
  expect(refused.body.reason).toBe("AGENT_NOT_FOUND");
  expect((await events({ target: id })).map(({ method }) => method.split("/")[1])).toEqual([
    "UnshareAgent",
    "ShareAgent",
    "CreateAgent",
  ]);
});

it("records in its tenant alone how an account came to be, and to another password", async () => {
  const tenant = `t-${newId()}`;
  await rest("POST", "/api/v1/tenants", { name: tenant });
  const there = (method: "GET" | "POST", path: string, body?: object) =>
    rest(method, path, body, { "x-tenant": tenant });
  const anybody = restClient(platform.url);
  const registration = { username: "ada", password: "four little ducks went out" };
  const invitation = await there("POST", "/api/v1/auth/invitations", {});
  const registered = await anybody("POST", "/api/v1/auth/register", {
    ...registration,
    invitation_token: invitation.body.token,
  });
  const id = registered.body.user_id;
  const { body } = await there("POST", `/api/v1/auth/accounts/${id}/password-reset`, {});
  const reset = { token: body.token, new_password: "five little ducks went out" };
  expect((await anybody("POST", "/api/v1/auth/password/reset", reset)).status).toBe(200);
  const closed = await anybody("POST", "/api/v1/auth/register", { ...registration, tenant });
  expect(closed.body.reason).toBe("REGISTRATION_CLOSED");

  const methodsOf = ({ body }: RestAnswer) =>
    (body.events ?? []).map(({ method }: Event) => method.split("/")[1]);
  const listed = `/api/v1/audit/events?target=${id}`;
  expect(methodsOf(await there("GET", listed))).toEqual(["ResetPassword", "CreatePasswordReset", "Register"]);
  // Who did it acted from the default tenant, which has a record of that.
  expect(methodsOf(await rest("GET", listed))).toEqual(["CreatePasswordReset"]);
  const failed = "/api/v1/audit/events?reason=REGISTRATION_CLOSED";
  expect(methodsOf(await there("GET", failed))).toEqual(["Register"]);
  expect(methodsOf(await rest("GET", failed))).toEqual([]);
});

it("records in both tenants that somebody has read another one's record", async () => {
  const draft = { name: "audited", display_name: "Audited" };
  const { status, body: tenant } = await rest("POST", "/api/v1/tenants", draft);
  expect(status).toBe(200);
  const there = { "x-tenant": tenant.id };
  const first = await rest("GET", "/api/v1/audit/events", undefined, there);
  expect([first.status, first.body.events ?? []]).toEqual([200, []]);
  const actor = { subject: admin, tenant_id: tenant.id, home_tenant_id: "default" };
  const read = { method: "consciousness.auth.v1.AuditService/ListAuditEvents", actor };
  const second = await rest("GET", "/api/v1/audit/events", undefined, there);
  expect(second.body.events).toMatchObject([read]);
  const [own] = await events({ method: read.method });
  expect(own).toMatchObject(read);
});

it("loses nothing that waits to be written when the platform stops", async () => {
  const directory = await freshDataDirectory();
  try {
    const first = await startPlatform({ directory });
    const refused = 25;
    for (let n = 0; n < refused; n += 1)
      await restClient(first.url, "no.good.token")("GET", "/api/v1/agents");
    await first.stop();
    const second = await startPlatform({ directory });
    const query = "platform=true&reason=TOKEN_INVALID";
    const { body } = await restClient(second.url, await second.signIn())(
      "GET",
      `/api/v1/audit/events?${query}`,
    );
    await second.stop();
    const counts = body.events.map(({ count }: Event) => count);
    expect(counts.reduce((total: number, count: number) => total + count, 0)).toBe(refused);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 60_000);

async function serviceAccount(name: string, permissions: string[]) {
  const made = await rest("POST", "/api/v1/auth/service-accounts", {
    name,
    permissions,
    // Whoever asks until something changes is not to run out of a quota.
    tier: "TIER_ENTERPRISE",
  });
  expect(made.status).toBe(200);
  const { id } = made.body.service_account;
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: id,
    client_secret: made.body.client_secret,
  });
  const answer = await fetch(`${platform.url}/api/v1/auth/token`, { method: "POST", body: form });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return { id: id as string, rest: restClient(platform.url, token) };
}
