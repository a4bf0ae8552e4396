import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPlatform, type TestPlatform } from "../../support/platform.js";
import { type RestAnswer, restClient } from "../../support/rest.js";
import { until } from "../../support/until.js";
import { makeTenant, type Tenant } from "../tenancy/tenant.js";

let platform: TestPlatform;
let tenant: Tenant;
let anybody: ReturnType<typeof restClient>;
let root: ReturnType<typeof restClient>;

beforeAll(async () => {
  platform = await startPlatform({ environment: { RATE_SIGN_IN_PER_MINUTE: "1000000" } });
  tenant = await makeTenant(platform.url, "tenant");
  anybody = restClient(platform.url);
  root = restClient(platform.url, await platform.signIn());
});
afterAll(() => platform?.stop());

const told = ({ status, body }: RestAnswer) => [status, body.reason];
const agents = "/api/v1/agents";

describe("headers that only our own side sets", () => {
  const forged: readonly Record<string, string>[] = [
    { "x-forwarded-client-cert": "By=spiffe://x/ns/y/sa/gateway;URI=spiffe://x/ns/y/sa/engine" },
    { "x-workload-token": "eyJhbGciOiJub25lIn0.e30." },
    { "x-consciousness-request-id": "01a1fe57-2026-71ec-a72b-2193d0096a79" },
    { "x-consciousness-client-address": "203.0.113.9", "x-forwarded-for": "203.0.113.9" },
    { "x-user-id": "admin", "x-forwarded-user": "admin", "x-roles": "SUPER_ADMIN" },
  ];

  it.each(forged)("prove nothing when they come from outside: %o", async (headers) => {
    expect(told(await anybody("GET", agents, undefined, headers))).toEqual([401, "CREDENTIALS_MISSING"]);
    const answer = await tenant.rest("GET", "/api/v1/tenants", undefined, headers);
    expect(told(answer)).toEqual([403, "PERMISSION_MISSING"]);
  });

  it("do not change from where a denial came in the audit record", async () => {
    const headers = { "x-forwarded-for": "203.0.113.9", "x-consciousness-client-address": "203.0.113.9" };
    const { body } = await tenant.rest("GET", "/api/v1/tenants", undefined, headers);
    const events = await until(async () => {
      const filter = `request_id=${body.request_id}`;
      const answer = await tenant.rest("GET", `/api/v1/audit/events?${filter}`);
      return answer.body.events?.length > 0 && answer.body.events;
    });
    expect(events).toMatchObject([
      { address: "127.0.0.1", reason: "PERMISSION_MISSING", actor: { subject: tenant.admin } },
    ]);
  });

  it("do not let an administrator of one tenant act in another", async () => {
    const answer = await tenant.rest("GET", agents, undefined, { "x-tenant": "default" });
    expect(told(answer)).toEqual([403, "TENANT_NOT_ALLOWED"]);
    expect((await root("GET", agents, undefined, { "x-tenant": "tenant" })).status).toBe(200);
  });
});

describe("fields that the server alone sets", () => {
  it("are not taken from whoever makes an agent", async () => {
    const id = "01a1fe57-2026-71ec-a72b-2193d0096a79";
    for (const field of ["tenant_id", "version"]) {
      const answer = await tenant.rest("POST", agents, { name: "mine", agent_type: "x", [field]: id });
      expect(told(answer)).toEqual([400, "FIELD_UNKNOWN"]);
    }
    const made = await tenant.rest("POST", agents, { id, etag: "x", name: "mine", agent_type: "x" });
    expect(made.body.id).not.toBe(id);
  });

  it("are not taken from whoever registers", async () => {
    const invited = await tenant.rest("POST", "/api/v1/auth/invitations", { roles: ["ROLE_USER"] });
    const request = {
      tenant: "tenant",
      username: "eve",
      password: "Correct-Horse-47-Battery",
      invitation_token: invited.body.token,
    };
    const register = "/api/v1/auth/register";
    for (const field of ["roles", "tier", "permissions", "active"]) {
      const answer = await anybody("POST", register, { ...request, [field]: "ROLE_SUPER_ADMIN" });
      expect(told(answer)).toEqual([400, "FIELD_UNKNOWN"]);
    }
    const { body } = await anybody("POST", register, request);
    const user = await tenant.rest("GET", `/api/v1/users/${body.user_id}`);
    expect(user.body.roles).toEqual(["ROLE_USER"]);
  });

  it("are named by no mask, and nobody gives away what he does not hold", async () => {
    const path = `/api/v1/users/${tenant.user}`;
    for (const field of ["tenant_id", "password_hash", "epoch", "version"]) {
      const answer = await tenant.rest("PATCH", `${path}?update_mask=${field}`, { active: true });
      expect(told(answer)).toEqual([400, "FIELD_MASK_INVALID"]);
    }
    const raised = await tenant.rest("PATCH", `${path}?update_mask=roles`, { roles: ["ROLE_SUPER_ADMIN"] });
    expect(raised.status).toBe(403);
    expect((await tenant.rest("GET", path)).body.roles).toEqual(["ROLE_USER"]);
  });
});

describe("what is larger than it may be", () => {
  it.each<[string, () => Promise<RestAnswer>, [number, string]]>([
    ["a URL", () => tenant.rest("GET", `${agents}?page_token=${"a".repeat(9_000)}`), [414, "URL_TOO_LONG"]],
    [
      "a header",
      () => tenant.rest("GET", agents, undefined, { "x-large": "a".repeat(40_000) }),
      [431, "HEADERS_TOO_LARGE"],
    ],
    [
      "a body",
      () => tenant.rest("POST", agents, { name: "x", agent_type: "x", description: "a".repeat(9_000_000) }),
      [413, "BODY_TOO_LARGE"],
    ],
    [
      "a user name",
      () => anybody("POST", "/api/v1/auth/login", { username: "a".repeat(51), password: "x" }),
      [400, "VALIDATION_FAILED"],
    ],
    [
      "a password",
      () => anybody("POST", "/api/v1/auth/login", { username: "ada", password: "a".repeat(257) }),
      [400, "VALIDATION_FAILED"],
    ],
    [
      "an API key",
      () => anybody("GET", agents, undefined, { "x-api-key": `cek_${"a".repeat(9_000)}` }),
      [401, "API_KEY_INVALID"],
    ],
  ])("is refused: %s", async (_, attempt, expected) => {
    expect(told(await attempt())).toEqual(expected);
  });
});

describe("two hundred sign-ins at once", () => {
  it("are checked a few at a time, refused beyond that, and hold nobody else up", async () => {
    const attempts = Array.from({ length: 200 }, (_, at) =>
      anybody("POST", "/api/v1/auth/login", { username: `guest${at}`, password: "a wrong password" }),
    );
    let over = false;
    const others: number[] = [];
    const watching = (async () => {
      while (!over) others.push((await tenant.rest("GET", "/api/v1/auth/profile")).status);
    })();
    const answers = await Promise.all(attempts);
    over = true;
    await watching;
    const reasons = new Set(answers.map(({ status, body }) => `${status} ${body.reason}`));
    const allowed = ["401 CREDENTIALS_INVALID", "429 SIGN_IN_BUSY", "429 SIGN_IN_DELAYED"];
    expect(allowed).toEqual(expect.arrayContaining([...reasons]));
    expect([...reasons].filter((reason) => reason.startsWith("429"))).not.toEqual([]);
    expect(new Set(others)).toEqual(new Set([200]));
  });
});
