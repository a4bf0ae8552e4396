import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, it } from "vitest";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { RateClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import type { Layer } from "../../../services/kit/chain/chain.js";
import type { Quotas } from "../../../services/kit/chain/quota.js";
import { rateLimit } from "../../../services/kit/chain/rate-limit.js";
import { errors } from "../../../services/kit/errors.js";
import { memoryLimits } from "../../../services/kit/stores/limits/memory.js";
import type { Limits } from "../../../services/kit/stores/limits/port.js";
import { ada } from "../tokens/forge.js";
import { createAgent, expectRefusal, getAgent, type Handler, messagesOf, pass, requestOf } from "./calls.js";
import { nothingShared, quotasWith } from "./tier-config.js";

const { process: judge } = EngineService.method;
const weights = { read: 1, write: 2, judge: 5 };

describe("a principal's quota", () => {
  let now: number;
  let limits: Limits;
  let layer: Layer;

  const units = (requestsPerHour: number, perMinute = 1000) =>
    quotasWith({ basic: { requestsPerHour }, weights, rates: { perMinute } });
  const bound = (quotas: Quotas) =>
    rateLimit({ limits, rates: { perMinute: 1000, signInPerMinute: 1 }, quotas });

  beforeEach(() => {
    now = Date.parse("2026-01-01T00:30:00Z");
    limits = memoryLimits({ clock: { now: () => now, monotonic: () => now } });
    layer = bound(units(6));
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
    expect(refusal.metadata.get("ratelimit-policy")).toBe(
      '"burst";q=1000;w=1, "minute";q=1000;w=60, "quota";q=6;w=3600',
    );
    expect(refusal.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1800n);
  });

  it("is stated unless the rate allows fewer calls", async () => {
    layer = bound(units(100, 20));
    expect((await call(getAgent)).header.get("ratelimit")).toMatch(/^"minute";r=19;/);
    // 99 units less 5 allow 18 more calls like this one, as many as the rate does.
    expect((await call(judge)).header.get("ratelimit")).toMatch(/^"minute";r=18;/);
    expect((await call(judge)).header.get("ratelimit")).toMatch(/^"minute";r=17;/);
    layer = bound(units(80, 20));
    expect((await call(judge)).header.get("ratelimit")).toMatch(/^"quota";r=64;/);
  });

  it("takes nothing for a call that the rate refuses", async () => {
    layer = bound(units(6, 1));
    await call(getAgent);
    const refusal = await expectRefusal(call(getAgent), Code.ResourceExhausted, "RATE_LIMITED");
    expect(refusal.metadata.get("ratelimit-policy")).toBe('"burst";q=1000;w=1, "minute";q=1;w=60');
    layer = bound(units(6));
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
      quotas: units(100),
    });
    await pass([watching], requestOf(getAgent, { call: { principal: ada } }));
    expect(settled).toHaveLength(1);
  });

  it("counts accounts of one name in two tenants apart", async () => {
    await call(judge);
    await call(judge, undefined, { ...ada, home: "another", tenant: "another" });
  });

  it("is the same in whichever tenant its account acts", async () => {
    await call(judge);
    const abroad = call(judge, undefined, { ...ada, tenant: "another" });
    await expectRefusal(abroad, Code.ResourceExhausted, "QUOTA_EXHAUSTED");
  });

  it("goes by the tier of the token, so that another tier counts at once", async () => {
    await call(judge);
    await expectRefusal(call(judge), Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    const { header } = await call(judge, undefined, { ...ada, tier: Tier.ENTERPRISE });
    expect(header.get("ratelimit-policy")).toBe('"burst";q=1000;w=1, "minute";q=1000;w=60');
  });

  it("lets nothing pass while it cannot be counted", async () => {
    const away = {
      ...limits,
      reserve: () => Promise.reject(errors.dependencyUnavailable({ dependency: "d" })),
    };
    layer = rateLimit({
      limits: away,
      rates: { perMinute: 9, signInPerMinute: 1 },
      quotas: units(9),
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
      quotas: units(9),
    });
    expect(await messagesOf(await call(getAgent))).toEqual([]);
  });
});

describe("the quota that the accounts of a tenant share", () => {
  const now = Date.parse("2026-01-01T00:30:00Z");
  const bob = { ...ada, subject: "u2" };
  let limits: Limits;
  let shared: number;
  let layer: Layer;
  beforeEach(() => {
    limits = memoryLimits({ clock: { now: () => now, monotonic: () => now } });
    shared = 3;
    const sharedBy = (tenant: string) =>
      tenant === "t1"
        ? { ...nothingShared, quota: { name: "tenant-quota", units: shared, windowMs: 3_600_000 } }
        : nothingShared;
    const quotas = quotasWith({ basic: { requestsPerHour: 2 } }, sharedBy);
    layer = rateLimit({ limits, rates: { perMinute: 1000, signInPerMinute: 1 }, quotas });
  });
  const call = (principal = ada) => pass([layer], requestOf(getAgent, { call: { principal } }));
  const left = async (who: string) =>
    2 - (await limits.usedOf({ key: `{${who}} quota`, windowMs: 3_600_000 })).used;

  it("counts all of them together, beside each one's own", async () => {
    expect((await call()).header.get("ratelimit")).toMatch(/^"quota";r=1;/);
    await call();
    await expectRefusal(call(), Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    expect((await call(bob)).header.get("ratelimit")).toMatch(/^"tenant-quota";r=0;/);
    const refusal = await expectRefusal(call(bob), Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    expect(refusal.metadata.get("ratelimit")).toBe('"tenant-quota";r=0;t=1800');
  });

  it("takes nothing of an account's own for a call that it refuses", async () => {
    shared = 0;
    await expectRefusal(call(), Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    expect(await left("t1 u1")).toBe(2);
  });

  it("counts whoever acts in the tenant, and no other tenant", async () => {
    const guest = { ...ada, home: "t2" };
    for (let calls = 0; calls < 2; calls++) await call(guest);
    await call(ada);
    await expectRefusal(call(ada), Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    await call({ ...bob, home: "t2", tenant: "t2" });
  });

  it("changes for the next call", async () => {
    await call();
    shared = 1;
    await expectRefusal(call(), Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    shared = 2;
    await call();
  });

  it("lets nothing pass while nobody knows it", async () => {
    const unknown = () => Promise.reject(errors.dependencyUnavailable({ dependency: "Auth" }));
    layer = rateLimit({
      limits,
      rates: { perMinute: 9, signInPerMinute: 1 },
      quotas: quotasWith({}, unknown),
    });
    await expectRefusal(call(), Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
  });
});

describe("what a call takes", () => {
  it("is one unit whatever its class, unless classes are weighed; sign-ins take none", () => {
    const classes = [RateClass.READ, RateClass.WRITE, RateClass.JUDGE, RateClass.SIGN_IN, RateClass.USAGE];
    expect(classes.map(quotasWith().costOf)).toEqual([1, 1, 1, 0, 0]);
    expect(classes.map(quotasWith({ weights }).costOf)).toEqual([1, 2, 5, 0, 0]);
  });
});
