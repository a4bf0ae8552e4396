import { type CallOptions, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { errorFacts } from "../../services/kit/errors.js";
import { newId } from "../../services/kit/ids.js";
import { redisLimits } from "../../services/kit/stores/limits/redis.js";
import { redisClient } from "../../services/kit/stores/redis.js";
import type { TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";
import { until } from "../support/until.js";
import { redisInstalled } from "./servers/redis.js";
import { startTwoGateways, type TwoGateways } from "./two-gateways.js";

const quota = 5_000;
const calls = 10_000;
const atOnce = 100;
const ceiling = 400;

/** What came of one call: REST has the status, the others the reason. */
interface Outcome {
  readonly reason: string;
  readonly began: number;
  readonly ended: number;
}

type Ask = (options: CallOptions) => Promise<unknown>;

describe.skipIf(!redisInstalled)("two gateways on one Redis, under load", () => {
  let gateways: TwoGateways;
  let token: string;
  let account: string;

  beforeAll(async () => {
    gateways = await startTwoGateways({
      TIER_ENTERPRISE_REQUESTS_PER_HOUR: `${quota}`,
      TIER_ENTERPRISE_CONCURRENT: `${ceiling}`,
      ADMISSION_CONCURRENT: "10000",
    });
  });
  beforeEach(async () => {
    await gateways.beginHour();
    token = await gateways.one.signIn();
    account = `default ${decodeJwt(token).sub}`;
  });
  afterAll(() => gateways?.stop());

  const usage = async (gateway: TestPlatform) => {
    const { body } = await restClient(gateway.url, token)("GET", "/api/v1/usage");
    const named = (name: string) => body.limits.find((limit: { name: string }) => limit.name === name);
    return { quota: named("quota"), concurrency: named("concurrency") };
  };

  /** Each kind of call over each protocol at each gateway: most use a unit, each fifth is not valid and gives it back. */
  function kinds(): (() => Promise<string>)[] {
    return [gateways.one, gateways.other].flatMap(({ url }) => {
      const rest = restClient(url, token);
      const over = (transport: Transport) => {
        const client = createClient(AgentsService, transport);
        const asks: Ask[] = [
          (options) => client.listAgents({}, options),
          (options) => client.getAgent({ id: newId() }, options),
          (options) =>
            client.createAgent({ agent: { name: `agent ${newId()}`, agentType: "assistant" } }, options),
          (options) => client.listAgents({ pageSize: 7 }, options),
          (options) => client.listAgents({ pageSize: -1 }, options),
        ];
        return asks.map((ask) => () => reasonOf(ask({ headers: { authorization: `Bearer ${token}` } })));
      };
      const restCall = (path: string) => async () => {
        const { body } = await rest("GET", path);
        return (body.reason as string | undefined) ?? "";
      };
      return [
        ...over(createConnectTransport({ baseUrl: url, httpVersion: "2" })),
        ...over(createGrpcTransport({ baseUrl: url })),
        ...["agents", `agents/${newId()}`, "agents?page_size=3", "auth/profile", "agents?page_size=-1"].map(
          (path) => restCall(`/api/v1/${path}`),
        ),
      ];
    });
  }

  it("serve 10,000 mixed calls together without exceeding the quota, nor refusing 1 % early", async () => {
    const ways = kinds();
    const outcomes: Outcome[] = [];
    let next = 0;
    const lane = async () => {
      while (next < calls) {
        const way = ways[next++ % ways.length] as () => Promise<string>;
        const began = performance.now();
        const reason = await way();
        outcomes.push({ reason, began, ended: performance.now() });
      }
    };
    const started = performance.now();
    await Promise.all(Array.from({ length: atOnce }, lane));
    const seconds = (performance.now() - started) / 1000;

    const having = (...reasons: string[]) => outcomes.filter(({ reason }) => reasons.includes(reason));
    const used = having("", "AGENT_NOT_FOUND", "DEADLINE_EXCEEDED");
    const givenBack = having("VALIDATION_FAILED", "OVERLOADED", "DEPENDENCY_UNAVAILABLE");
    const refused = having("QUOTA_EXHAUSTED");
    const others = outcomes.length - used.length - givenBack.length - refused.length;
    const lastAdmitted = Math.max(...used.map(({ began }) => began));
    const early = refused.filter(({ ended }) => ended < lastAdmitted);
    process.stderr.write(
      `${calls} calls, ${atOnce} at once, over two gateways in ${seconds.toFixed(1)} s: ${used.length} of ${quota} units used, ` +
        `${givenBack.length} given back, ${refused.length} refused, ${early.length} of them before the last that was admitted; ` +
        `${having("", "AGENT_NOT_FOUND", "VALIDATION_FAILED").length} answered in time\n`,
    );
    expect(outcomes).toHaveLength(calls);
    expect(others).toBe(0);
    expect(used.length).toBeLessThanOrEqual(quota);
    expect(used.length).toBeGreaterThanOrEqual(quota * 0.99);
    expect(early.length).toBeLessThanOrEqual(calls * 0.01);
    // Settlements follow the answers.
    await until(async () => (await usage(gateways.one)).quota.used === `${used.length}`);
    for (const gateway of [gateways.one, gateways.other]) {
      expect(await usage(gateway)).toMatchObject({
        quota: { limit: `${quota}`, used: `${used.length}`, remaining: `${quota - used.length}` },
        concurrency: { limit: `${ceiling}`, used: "0" },
      });
    }
  }, 300_000);

  it("count calls in progress together, and free those of a replica that crashed", async () => {
    const limits = redisLimits({
      client: await redisClient({ url: `redis://127.0.0.1:${gateways.redis.port}` }),
    });
    await until(() =>
      limits.ping().then(
        () => true,
        () => false,
      ),
    );
    const places = { key: `{${account}} concurrency`, limit: ceiling, ttlMs: 3_000 };
    const held = await Promise.all(Array.from({ length: ceiling }, () => limits.enter(places)));
    const list = ({ url }: TestPlatform) => restClient(url, token)("GET", "/api/v1/agents");
    for (const gateway of [gateways.one, gateways.other]) {
      const { headers, body } = await list(gateway);
      expect(body).toMatchObject({ status: 429, reason: "CONCURRENCY_EXHAUSTED" });
      expect(headers.get("ratelimit")).toBe('"concurrency";r=0');
    }
    await limits.leave({ key: places.key, place: held[0]?.place ?? "" });
    for (const gateway of [gateways.one, gateways.other]) expect((await list(gateway)).status).toBe(200);
    // The rest are left by nobody, as when their replica is gone.
    await limits.close();
    await until(async () => (await usage(gateways.other)).concurrency.used === "0");
  });
});

async function reasonOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "";
  } catch (error) {
    const failure = ConnectError.from(error);
    return errorFacts(failure)?.reason ?? Code[failure.code];
  }
}
