import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { errorFacts } from "../../services/kit/errors.js";
import type { TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";
import { redisInstalled } from "./servers/redis.js";
import { startTwoGateways, type TwoGateways } from "./two-gateways.js";

const quota = 40;

describe.skipIf(!redisInstalled)("two gateways on one Redis", () => {
  let gateways: TwoGateways;
  let one: TestPlatform;
  let other: TestPlatform;
  let token: string;

  beforeAll(async () => {
    gateways = await startTwoGateways({
      RATE_PER_MINUTE: "1000",
      TIER_ENTERPRISE_REQUESTS_PER_HOUR: `${quota}`,
    });
    ({ one, other } = gateways);
  });
  beforeEach(async () => {
    await gateways.beginHour();
    token = await one.signIn();
  });
  afterAll(() => gateways?.stop());

  const overRest = async ({ url }: TestPlatform) => {
    const { status, headers, body } = await restClient(url, token)("GET", "/api/v1/agents");
    return { served: status === 200, refused: status === 429, headers, reason: body.reason };
  };
  const over =
    (createTransport: typeof createGrpcTransport | typeof createConnectTransport) =>
    async ({ url }: TestPlatform) => {
      const transport = createTransport({ baseUrl: url, httpVersion: "2" } as never);
      let headers = new Headers();
      const onHeader = (received: Headers) => {
        headers = received;
      };
      try {
        await createClient(AgentsService, transport).listAgents(
          {},
          { headers: { authorization: `Bearer ${token}` }, onHeader },
        );
        return { served: true, refused: false, headers, reason: undefined };
      } catch (error) {
        const failure = ConnectError.from(error);
        const reason = errorFacts(failure)?.reason ?? failure.rawMessage;
        const refused = failure.code === Code.ResourceExhausted && reason === "QUOTA_EXHAUSTED";
        return { served: false, refused, headers: failure.metadata, reason };
      }
    };
  const ways = [overRest, over(createConnectTransport), over(createGrpcTransport)] as const;

  it("serve together just as many calls as the quota allows, over whatever protocol", async () => {
    const calls = Array.from({ length: 90 }, (_, index) => {
      const way = ways[index % 3] as (typeof ways)[number];
      return way(index % 2 === 0 ? one : other);
    });
    const answers = await Promise.all(calls);
    const others = answers.filter(({ served, refused }) => !served && !refused);
    expect(others.map(({ reason }) => reason)).toEqual([]);
    expect(answers.filter(({ served }) => served)).toHaveLength(quota);
    const refusals = answers.filter(({ refused }) => refused);
    expect(refusals).toHaveLength(90 - quota);
    for (const { headers } of refusals) {
      expect(headers.get("ratelimit")).toMatch(/^"quota";r=0;t=\d+$/);
      expect(headers.get("ratelimit-policy")).toBe(
        '"burst";q=1000000;w=1, "minute";q=1000;w=60, "quota";q=40;w=3600',
      );
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    }
  });

  it.each([
    ["REST", overRest],
    ["Connect", over(createConnectTransport)],
    ["gRPC", over(createGrpcTransport)],
  ])("say over %s what is left, counted by both", async (_, way) => {
    expect((await way(one)).headers.get("ratelimit")).toMatch(/^"quota";r=39;/);
    expect((await way(other)).headers.get("ratelimit")).toMatch(/^"quota";r=38;/);
  });

  it("give back what a call did not use, for both", async () => {
    const refused = await restClient(one.url, token)("GET", "/api/v1/agents?page_size=-1");
    expect(refused.body).toMatchObject({ status: 400, reason: "VALIDATION_FAILED" });
    expect(refused.headers.get("ratelimit")).toMatch(/^"quota";r=40;/);
    expect((await overRest(other)).headers.get("ratelimit")).toMatch(/^"quota";r=39;/);
  });

  it("refuse everything with 503 and when to come back while Redis is away, and serve again after", async () => {
    await gateways.redis.kill();
    for (const gateway of [one, other]) {
      const answer = await restClient(gateway.url, token)("GET", "/api/v1/agents");
      expect(answer.body).toMatchObject({ status: 503, reason: "DEPENDENCY_UNAVAILABLE" });
      expect(answer.headers.get("retry-after")).toBe("1");
    }
    await gateways.redis.restart();
    const end = Date.now() + 5_000;
    let served = false;
    while (!served && Date.now() < end) ({ served } = await overRest(other));
    expect(served).toBe(true);
  });
});
