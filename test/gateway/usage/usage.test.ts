import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { LimitKind, UsageService } from "#gen/ts/consciousness/usage/v1/usage_service_pb.js";
import { errorFacts } from "../../../services/kit/errors.js";
import { newId } from "../../../services/kit/ids.js";
import { startPlatform, type TestPlatform } from "../../support/platform.js";
import { restClient } from "../../support/rest.js";
import { until } from "../../support/until.js";

const hour = 3_600_000;
let platform: TestPlatform;
let token: string;
beforeAll(async () => {
  const environment = {
    RATE_PER_SECOND: "10",
    RATE_BURST: "50",
    RATE_PER_MINUTE: "500",
    TIER_ENTERPRISE_REQUESTS_PER_HOUR: "40",
    TIER_ENTERPRISE_CONCURRENT: "5",
    TIER_ENTERPRISE_MULTIPLIER: "2",
    PEER_SECRET: "s".repeat(32),
  };
  platform = await startPlatform({ names: ["gateway", "auth", "agents"], environment });
});
beforeEach(async () => {
  // Each test has an hour, a minute and a burst of its own.
  platform.advance(hour - (Date.now() % 1_000));
  token = await platform.signIn();
});
afterAll(() => platform?.stop());

const rest = (path: string, bearer = token) => restClient(platform.url, bearer)("GET", path);
const limitNamed = (limits: readonly { name: string }[], name: string) =>
  limits.find((limit) => limit.name === name);

/** The numbers of `RateLimit-Policy`, and those of `RateLimit` beside the counter that it states. */
function headersOf(headers: Headers) {
  const policies = (headers.get("ratelimit-policy") ?? "").split(", ").map((policy) => {
    const [, name, limit, window] =
      /^"([a-z-]+)";q=(\d+);(?:w=(\d+)|qu="concurrent-requests")$/.exec(policy) ?? [];
    return { name, limit: Number(limit), window: Number(window ?? 0) };
  });
  const [, name, remaining, reset] =
    /^"([a-z-]+)";r=(\d+);t=(\d+)$/.exec(headers.get("ratelimit") ?? "") ?? [];
  return { policies, name, remaining: Number(remaining), reset: Number(reset) };
}

describe("usage", () => {
  it("has the numbers of the headers, from the same counters", async () => {
    const { headers } = await rest("/api/v1/agents");
    const stated = headersOf(headers);
    expect(stated.policies.map(({ name }) => name)).toEqual(["burst", "minute", "concurrency", "quota"]);
    expect(stated.name).toBe("quota");
    const { body } = await rest("/api/v1/usage");
    expect(body.tier).toBe("TIER_ENTERPRISE");
    for (const { name, limit, window } of stated.policies) {
      expect(limitNamed(body.limits, `${name}`)).toMatchObject({ limit: `${limit}`, window_seconds: window });
    }
    expect(body.limits).toHaveLength(stated.policies.length);
    expect(limitNamed(body.limits, "quota")).toMatchObject({
      kind: "LIMIT_KIND_QUOTA",
      limit: "40",
      used: "1",
      remaining: `${stated.remaining}`,
    });
    const { reset_time } = limitNamed(body.limits, "quota") as unknown as { reset_time: string };
    const date = Date.parse(headers.get("date") ?? "");
    expect(new Date(reset_time).getUTCMinutes()).toBe(0);
    expect(stated.reset).toBeLessThanOrEqual(3600);
    expect(Number.isNaN(date)).toBe(false);
  });

  it("goes down with each call, and back with what a call did not use", async () => {
    const quota = async () => limitNamed((await rest("/api/v1/usage")).body.limits, "quota");
    for (let calls = 0; calls < 3; calls++) await rest("/api/v1/agents");
    expect(await quota()).toMatchObject({ used: "3", remaining: "37" });
    expect((await rest("/api/v1/agents?page_size=-1")).body.reason).toBe("VALIDATION_FAILED");
    expect((await rest(`/api/v1/agents/${newId()}`)).body.reason).toBe("AGENT_NOT_FOUND");
    expect(await quota()).toMatchObject({ used: "4", remaining: "36" });
  });

  it("answers when nothing is left, and takes nothing itself", async () => {
    for (let calls = 0; calls < 40; calls++) expect((await rest("/api/v1/agents")).status).toBe(200);
    const refused = await rest("/api/v1/agents");
    expect(refused.body).toMatchObject({ status: 429, reason: "QUOTA_EXHAUSTED" });
    expect(headersOf(refused.headers)).toMatchObject({ name: "quota", remaining: 0 });
    for (let asked = 0; asked < 2; asked++) {
      const { status, body } = await rest("/api/v1/usage");
      expect(status).toBe(200);
      expect(limitNamed(body.limits, "quota")).toMatchObject({ used: "40", remaining: "0" });
    }
  });

  it("counts calls in progress while they are", async () => {
    const { body } = await rest("/api/v1/usage");
    expect(limitNamed(body.limits, "concurrency")).toEqual({
      name: "concurrency",
      kind: "LIMIT_KIND_CONCURRENCY",
      limit: "5",
      used: "0",
      remaining: "5",
      window_seconds: 0,
    });
  });

  const http2 = (createTransport: (options: never) => Transport) => () =>
    createTransport({ baseUrl: platform.url, httpVersion: "2" } as never);
  it.each([
    ["Connect", http2(createConnectTransport)],
    ["gRPC-Web", http2(createGrpcWebTransport)],
    ["gRPC", http2(createGrpcTransport)],
  ])("says the same over %s as over REST", async (_, transport) => {
    const headers = { authorization: `Bearer ${token}` };
    const agents: Client<typeof AgentsService> = createClient(AgentsService, transport());
    let stated = new Headers();
    const onHeader = (received: Headers) => {
      stated = received;
    };
    await agents.listAgents({}, { headers, onHeader });
    const answer = await createClient(UsageService, transport()).getUsage({}, { headers });
    expect(answer.tier).toBe(Tier.ENTERPRISE);
    const quota = answer.limits.find(({ name }) => name === "quota");
    expect(quota).toMatchObject({ kind: LimitKind.QUOTA, limit: 40n, used: 1n, remaining: 39n });
    expect(headersOf(stated)).toMatchObject({ name: "quota", remaining: 39 });
    const { body } = await rest("/api/v1/usage");
    const strip = (limits: { name: string; limit: unknown; used: unknown }[]) =>
      limits
        .filter(({ name }) => name === "quota" || name === "concurrency")
        .map(({ limit, used }) => [`${limit}`, `${used}`]);
    expect(strip(answer.limits)).toEqual(strip(body.limits));
  });

  it("needs a credential", async () => {
    const { body } = await restClient(platform.url)("GET", "/api/v1/usage");
    expect(body).toMatchObject({ status: 401, reason: "CREDENTIALS_MISSING" });
    const client = createClient(UsageService, http2(createGrpcTransport)());
    const error = await client.getUsage({}).catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toBeInstanceOf(ConnectError);
    expect((error as ConnectError).code).toBe(Code.Unauthenticated);
    expect(errorFacts(error as ConnectError)?.reason).toBe("CREDENTIALS_MISSING");
  });
});

describe("usage of others", () => {
  const key = async (...scopes: string[]) => {
    const made = await restClient(platform.url, token)("POST", "/api/v1/auth/api-keys", {
      name: `key ${newId()}`,
      scopes: scopes.map((scope) => `PERMISSION_${scope}`),
    });
    return made.body.key as string;
  };
  const own = async () => (await rest("/api/v1/auth/profile")).body.id as string;

  it("is open to who administers users: an account's by its id", async () => {
    const id = await own();
    await rest("/api/v1/agents");
    const { body } = await rest(`/api/v1/usage/accounts/${id}`);
    expect(body.tier).toBe("TIER_ENTERPRISE");
    // The profile, the agents, and not the question.
    expect(limitNamed(body.limits, "quota")).toMatchObject({ limit: "40", used: "2", remaining: "38" });
  });

  it("is open to who administers users: what the tenant's accounts share, which may be nothing", async () => {
    const { status, body } = await rest("/api/v1/usage/tenant");
    expect([status, body]).toEqual([200, { tenant_id: "default", limits: [] }]);
  });

  it("is closed to everybody else", async () => {
    const bearer = await key("AGENT_READ");
    const id = await own();
    expect((await rest("/api/v1/usage", bearer)).status).toBe(200);
    for (const path of ["/api/v1/usage/tenant", `/api/v1/usage/accounts/${id}`]) {
      expect((await rest(path, bearer)).body).toMatchObject({ status: 403, reason: "PERMISSION_MISSING" });
    }
  });

  it("has no account that does not exist, nor an id that is none", async () => {
    const missing = await rest(`/api/v1/usage/accounts/${newId()}`);
    expect(missing.body).toMatchObject({ status: 404, reason: "SUBJECT_NOT_FOUND" });
    const malformed = await rest("/api/v1/usage/accounts/nobody");
    expect(malformed.body).toMatchObject({ status: 400, reason: "VALIDATION_FAILED" });
  });
});

describe("limits of a tenant", () => {
  const change = async (limits: object | null) => {
    const body = { ...(limits && { limits }) };
    const answer = await restClient(platform.url, token)(
      "PATCH",
      "/api/v1/tenants/default?update_mask=limits",
      body,
    );
    expect(answer.body).not.toHaveProperty("reason");
  };
  /** A token of a service account of the tenant, of the tier BASIC, which nothing else bounds here. */
  const machine = async () => {
    const made = await restClient(platform.url, token)("POST", "/api/v1/auth/service-accounts", {
      name: `machine-${newId()}`,
      roles: ["ROLE_USER"],
      tier: "TIER_BASIC",
    });
    const { body } = await restClient(platform.url)(
      "POST",
      "/api/v1/auth/token",
      new URLSearchParams({
        grant_type: "client_credentials",
        client_id: made.body.service_account.id,
        client_secret: made.body.client_secret,
      }).toString(),
      { "content-type": "application/x-www-form-urlencoded" },
    );
    return body.access_token as string;
  };

  it("count all of its accounts together, within a second of their change, until they are taken away", async () => {
    const bearer = await machine();
    expect((await rest("/api/v1/agents", bearer)).status).toBe(200);
    await change({ requests_per_hour: 4 });
    const changed = Date.now();
    const shared = () =>
      rest("/api/v1/usage/tenant").then(({ body }) => limitNamed(body.limits, "tenant-quota"));
    await until(shared);
    expect(Date.now() - changed).toBeLessThan(1_000);
    for (const who of [token, bearer, token, bearer])
      expect((await rest("/api/v1/agents", who)).status).toBe(200);
    expect(await shared()).toMatchObject({ limit: "4", used: "4", remaining: "0" });
    for (const who of [token, bearer]) {
      const { headers, body } = await rest("/api/v1/agents", who);
      expect(body).toMatchObject({ status: 429, reason: "QUOTA_EXHAUSTED" });
      expect(headersOf(headers)).toMatchObject({ name: "tenant-quota", remaining: 0 });
    }
    const own = limitNamed((await rest("/api/v1/usage")).body.limits, "tenant-quota");
    expect(own).toMatchObject({ kind: "LIMIT_KIND_QUOTA", used: "4" });
    platform.advance(hour);
    token = await platform.signIn();
    await change(null);
    await until(async () => (await shared()) === undefined);
  });
});
