import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, it } from "vitest";
import { RateClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import type { Layer } from "../../../services/kit/chain/chain.js";
import { configuredQuotas, type Quotas } from "../../../services/kit/chain/quota.js";
import { rateLimit } from "../../../services/kit/chain/rate-limit.js";
import { errors } from "../../../services/kit/errors.js";
import { memoryLimits } from "../../../services/kit/stores/limits/memory.js";
import type { Limits } from "../../../services/kit/stores/limits/port.js";
import { ada } from "../tokens/forge.js";
import { createAgent, expectRefusal, getAgent, type Handler, messagesOf, pass, requestOf } from "./calls.js";

const { process: judge } = EngineService.method;
const weights = { read: 1, write: 2, judge: 5 };

describe("a principal's quota", () => {
  let now: number;
  let limits: Limits;
  let layer: Layer;

  const bound = (quotas: Quotas, perMinute = 1000) =>
    rateLimit({ limits, rates: { perMinute, signInPerMinute: 1 }, quotas });

  beforeEach(() => {
    now = Date.parse("2026-01-01T00:30:00Z");
    limits = memoryLimits({ clock: { now: () => now, monotonic: () => now } });
    layer = bound(configuredQuotas({ unitsPerHour: 6, weights }));
  });

  const call = (method: DescMethod, handler?: Handler, principal = ada) =>
    pass([layer], requestOf(method, { call: { principal } }), handler);
  const failing = (error: Error) => () => {
    throw error;
  };
  const left = async (principal = ada) =>
    (
      await call(getAgent, failing(errors.validationFailed({ problems: "" })), principal).catch((e) => e)
    ).metadata
      .get("ratelimit")
      .match(/r=(\d+)/)[1];

  it("is used up by calls as their classes weigh, and renews with its window", async () => {
    expect((await call(judge)).header.get("ratelimit")).toBe('"quota";r=1;t=1800');
    await expectRefusal(call(createAgent), Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    await call(getAgent);
    await expectRefusal(call(getAgent), Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    now += 1_800_000;
    await call(judge);
  });

  it("says when to come back, by the counter that refused", async () => {
    await call(judge);
    const refusal = await expectRefusal(call(judge), Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    expect(refusal.metadata.get("retry-after")).toBe("1800");
    expect(refusal.metadata.get("ratelimit")).toBe('"quota";r=1;t=1800');
    expect(refusal.metadata.get("ratelimit-policy")).toBe('"burst";q=1000;w=60, "quota";q=6;w=3600');
    expect(refusal.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1800n);
  });

  it("is stated unless the rate allows fewer calls", async () => {
    layer = bound(configuredQuotas({ unitsPerHour: 100, weights }), 20);
    expect((await call(getAgent)).header.get("ratelimit")).toMatch(/^"burst";r=19;/);
    // 99 units less 5 allow 18 more calls like this one, as many as the rate does.
    expect((await call(judge)).header.get("ratelimit")).toMatch(/^"burst";r=18;/);
    expect((await call(judge)).header.get("ratelimit")).toMatch(/^"burst";r=17;/);
    layer = bound(configuredQuotas({ unitsPerHour: 80, weights }), 20);
    expect((await call(judge)).header.get("ratelimit")).toMatch(/^"quota";r=64;/);
  });

  it("takes nothing for a call that the rate refuses", async () => {
    layer = bound(configuredQuotas({ unitsPerHour: 6, weights }), 1);
    await call(getAgent);
    const refusal = await expectRefusal(call(getAgent), Code.ResourceExhausted, "RATE_LIMITED");
    expect(refusal.metadata.get("ratelimit-policy")).toBe('"burst";q=1;w=60');
    layer = bound(configuredQuotas({ unitsPerHour: 6, weights }));
    now += 60_000;
    expect(await left()).toBe("5");
  });

  it.each([
    ["the request is not valid", errors.validationFailed({ problems: "p" })],
    ["there is no room", errors.overloaded({ workload: "engine", limit: 1 })],
    ["what it needs is away", errors.dependencyUnavailable({ dependency: "d" })],
    ["a permission is missing", errors.permissionMissing({ permission: "p" })],
    ["the method does not exist", errors.methodUnknown({ method: "m" })],
  ])("gets back what a call reserved when %s", async (_, error) => {
    await expect(call(judge, failing(error))).rejects.toThrow();
    expect(await left()).toBe("6");
  });

  it.each([
    ["finds nothing", errors.agentNotFound({ id: "a" })],
    ["is blocked", errors.ethicalViolation({ rule_ids: "r", decision_id: "d" })],
    ["takes too long", errors.deadlineExceeded({ deadline_ms: 1 })],
    ["fails", errors.internal()],
    ["fails in a foreign way", new Error("foreign")],
  ])("keeps what a call reserved that %s", async (_, error) => {
    await expect(call(judge, failing(error))).rejects.toThrow();
    expect(await left()).toBe("1");
  });

  it("holds no reservation once its calls have ended, so that memory stays flat", async () => {
    const settled: string[] = [];
    const watched = {
      ...limits,
      settle: async (of: { reservation: string }) => void settled.push(of.reservation),
    };
    const watching = rateLimit({
      limits: watched as Limits,
      rates: { perMinute: 1000, signInPerMinute: 1 },
      quotas: configuredQuotas({ unitsPerHour: 100, weights }),
    });
    await pass([watching], requestOf(getAgent, { call: { principal: ada } }));
    expect(settled).toHaveLength(1);
  });

  it("counts principals of one name in two tenants apart", async () => {
    await call(judge);
    await call(judge, undefined, { ...ada, tenant: "another" });
  });

  it("is asked for at each call, so that a change counts at once, and may be none at all", async () => {
    let units: number | undefined = 1;
    const quotaOf = () => (units === undefined ? undefined : { name: "tier", units, windowMs: 3_600_000 });
    layer = bound({ quotaOf, costOf: (rate) => (rate === RateClass.READ ? 1 : 0) });
    await call(getAgent);
    await expectRefusal(call(getAgent), Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    units = 2;
    expect((await call(getAgent)).header.get("ratelimit-policy")).toContain('"tier";q=2;w=3600');
    units = undefined;
    await call(getAgent);
  });

  it("lets nothing pass while it cannot be counted", async () => {
    const away = {
      ...limits,
      reserve: () => Promise.reject(errors.dependencyUnavailable({ dependency: "d" })),
    };
    layer = rateLimit({
      limits: away,
      rates: { perMinute: 9, signInPerMinute: 1 },
      quotas: configuredQuotas({ unitsPerHour: 9, weights }),
    });
    const refusal = await expectRefusal(call(getAgent), Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
    expect(refusal.metadata.get("retry-after")).toBe("1");
  });

  it("does not fail a call whose reservation cannot be settled", async () => {
    const away = {
      ...limits,
      settle: () => Promise.reject(errors.dependencyUnavailable({ dependency: "d" })),
    };
    layer = rateLimit({
      limits: away,
      rates: { perMinute: 9, signInPerMinute: 1 },
      quotas: configuredQuotas({ unitsPerHour: 9, weights }),
    });
    expect(await messagesOf(await call(getAgent))).toEqual([]);
  });
});

describe("the configured quota", () => {
  it("is the same for everybody, weighs classes, and is none when it has no units", () => {
    const quotas = configuredQuotas({ unitsPerHour: 10, weights });
    expect(quotas.quotaOf(ada)).toEqual({ name: "quota", units: 10, windowMs: 3_600_000 });
    const classes = [
      RateClass.READ,
      RateClass.WRITE,
      RateClass.JUDGE,
      RateClass.SIGN_IN,
      RateClass.UNSPECIFIED,
    ];
    expect(classes.map(quotas.costOf)).toEqual([1, 2, 5, 0, 0]);
    expect(configuredQuotas({ unitsPerHour: 0, weights }).quotaOf(ada)).toBeUndefined();
  });
});
