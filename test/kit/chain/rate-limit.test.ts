import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { beforeEach, describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import type { Layer } from "../../../services/kit/chain/chain.js";
import { limitStrangers, rateLimit } from "../../../services/kit/chain/rate-limit.js";
import { errorFacts, errors } from "../../../services/kit/errors.js";
import { memoryLimits } from "../../../services/kit/stores/limits/memory.js";
import type { Limits } from "../../../services/kit/stores/limits/port.js";
import { ada } from "../tokens/forge.js";
import { contractOf, expectRefusal, getAgent, listAgents, pass, requestOf, watch } from "./calls.js";
import { quotasWith } from "./tier-config.js";

const { login } = AuthService.method;
const rates = { perMinute: 3, signInPerMinute: 1 };

describe("the rate of calls from outside", () => {
  let now: number;
  let layer: Layer;

  beforeEach(() => {
    now = Date.parse("2026-01-01T00:00:00Z");
    const limits = memoryLimits({ clock: { now: () => now, monotonic: () => now } });
    layer = rateLimit({ limits, rates, quotas: quotasWith({ rates: { perMinute: 3 } }) });
  });

  const read = (principal = ada, method: DescMethod = getAgent) =>
    pass([layer], requestOf(method, { call: { principal } }));
  const signIn = (clientAddress: string) => pass([layer], requestOf(login, { arrival: { clientAddress } }));

  it("lets a principal call as often as the rate says, whatever the method, and refuses the next call", async () => {
    await read();
    await read(ada, listAgents);
    await read();
    const refusal = await expectRefusal(read(), Code.ResourceExhausted, "RATE_LIMITED");
    expect(refusal.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBeGreaterThan(0n);
    expect(refusal.metadata.get("retry-after")).toBe("20");
    expect(refusal.metadata.get("ratelimit")).toBe('"minute";r=0;t=60');
  });

  it("states what is left, by the counter that decided", async () => {
    const { header } = await read();
    expect(header.get("ratelimit-policy")).toBe('"burst";q=1000;w=1, "minute";q=3;w=60');
    expect(header.get("ratelimit")).toMatch(/^"minute";r=2;t=\d+$/);
  });

  it("states it on refusals of the handler too", async () => {
    const request = requestOf(getAgent, { call: { principal: ada } });
    const failing = pass([layer], request, () => {
      throw errors.agentNotFound({ id: "a" });
    });
    const refusal = await expectRefusal(failing, Code.NotFound, "AGENT_NOT_FOUND");
    expect(refusal.metadata.get("ratelimit")).toMatch(/r=2/);
  });

  it("counts each principal alone", async () => {
    for (let call = 0; call < 3; call++) await read();
    await read({ ...ada, subject: "another" });
    await read({ ...ada, home: "another" });
  });

  it("lets a principal call again once time has passed", async () => {
    for (let call = 0; call < 3; call++) await read();
    await expectRefusal(read(), Code.ResourceExhausted, "RATE_LIMITED");
    now += 20_000;
    await read();
  });

  it("counts sign-ins by address, at their own rate", async () => {
    await signIn("192.0.2.1");
    await expectRefusal(signIn("192.0.2.1"), Code.ResourceExhausted, "RATE_LIMITED");
    await signIn("192.0.2.2");
  });

  it("has nothing to do for methods without a rate class", () => {
    expect(layer(contractOf(watch))).toBeUndefined();
  });

  it("lets nothing pass while it cannot count", async () => {
    const away = { takeBoth: () => Promise.reject(errors.dependencyUnavailable({ dependency: "limits" })) };
    layer = rateLimit({ limits: away as never, rates, quotas: quotasWith() });
    const refusal = await expectRefusal(read(), Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
    expect(refusal.metadata.get("retry-after")).toBe("1");
  });
});

describe("the burst of an account", () => {
  let now: number;
  let layer: Layer;
  let limits: Limits;
  beforeEach(() => {
    now = Date.parse("2026-01-01T00:00:00Z");
    limits = memoryLimits({ clock: { now: () => now, monotonic: () => now } });
    const quotas = quotasWith({
      rates: { perSecond: 2, burst: 4, perMinute: 100 },
      enterprise: { multiplier: 10 },
    });
    layer = rateLimit({ limits, rates, quotas });
  });
  const call = (tier: Tier) => pass([layer], requestOf(getAgent, { call: { principal: { ...ada, tier } } }));
  const served = async (tier: Tier) => {
    for (let calls = 0; ; calls++) {
      const refused = await call(tier).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refused) return { calls, refused: refused as ConnectError };
    }
  };

  it.each([
    ["BASIC", Tier.BASIC, 4],
    ["ADVANCED", Tier.ADVANCED, 8],
    ["ENTERPRISE", Tier.ENTERPRISE, 40],
    ["UNSPECIFIED", Tier.UNSPECIFIED, 4],
  ])("lets as many calls pass at once as the tier %s multiplies", async (_, tier, most) => {
    const { calls, refused } = await served(tier);
    expect(calls).toBe(most);
    expect(errorFacts(refused)?.reason).toBe("RATE_LIMITED");
    expect(refused.code).toBe(Code.ResourceExhausted);
    expect(refused.metadata.get("ratelimit")).toBe('"burst";r=0;t=2');
    expect(refused.metadata.get("ratelimit-policy")).toBe(`"minute";q=100;w=60, "burst";q=${most};w=2`);
  });

  it("flows off by as many calls a second as the tier multiplies", async () => {
    await served(Tier.BASIC);
    now += 1_000;
    expect((await served(Tier.BASIC)).calls).toBe(2);
    now += 60_000;
    await served(Tier.ENTERPRISE);
    now += 1_000;
    expect((await served(Tier.ENTERPRISE)).calls).toBe(20);
  });

  it("does not raise the rate of a minute, which is the same for every tier", async () => {
    let calls = 0;
    let refused: ConnectError | undefined;
    while (!refused) {
      await call(Tier.ENTERPRISE).then(
        () => {
          calls += 1;
        },
        (error: ConnectError) => {
          refused = error;
        },
      );
      now += 50;
    }
    // 100 at once, and as many as flowed off meanwhile.
    expect(calls).toBeLessThanOrEqual(110);
    expect(refused.metadata.get("ratelimit")).toMatch(/^"minute";r=0;/);
  });

  it("takes nothing of the minute for calls that it refuses", async () => {
    await served(Tier.BASIC);
    for (let calls = 0; calls < 10; calls++) {
      await expectRefusal(call(Tier.BASIC), Code.ResourceExhausted, "RATE_LIMITED");
    }
    const minute = { key: "{t1 u1} minute", limit: 100, windowMs: 60_000, cost: 0 };
    expect((await limits.take(minute)).remaining).toBe(96);
  });
});

describe("callers who are not let in", () => {
  const stranger = (clientAddress: string, failure = errors.tokenInvalid()) =>
    pass([layer], requestOf(getAgent, { arrival: { clientAddress } }), () => {
      throw failure;
    });
  let layer: Layer;

  beforeEach(() => {
    const clock = { now: () => 0, monotonic: () => 0 };
    layer = limitStrangers({ limits: memoryLimits({ clock }), rates: { perMinute: 2, signInPerMinute: 1 } });
  });

  it("are counted by address, whatever they try", async () => {
    const refusal = await expectRefusal(stranger("192.0.2.1"), Code.Unauthenticated, "TOKEN_INVALID");
    expect(refusal.metadata.get("ratelimit")).toBe('"minute";r=1;t=30');
    const bare = stranger("192.0.2.1", errors.credentialsMissing());
    await expectRefusal(bare, Code.Unauthenticated, "CREDENTIALS_MISSING");
    await expectRefusal(stranger("192.0.2.1"), Code.ResourceExhausted, "RATE_LIMITED");
    await expectRefusal(stranger("192.0.2.2"), Code.Unauthenticated, "TOKEN_INVALID");
  });

  it("are not those who are let in and refused later", async () => {
    for (let call = 0; call < 3; call++) {
      const request = requestOf(getAgent, { call: { principal: ada } });
      const refused = pass([layer], request, () => {
        throw errors.refreshTokenInvalid();
      });
      await expectRefusal(refused, Code.Unauthenticated, "REFRESH_TOKEN_INVALID");
      const missing = stranger("192.0.2.1", errors.agentNotFound({ id: "a" }));
      await expectRefusal(missing, Code.NotFound, "AGENT_NOT_FOUND");
    }
  });

  it("have nothing to do with public methods, which are counted by address anyway", () => {
    expect(layer(contractOf(login))).toBeUndefined();
  });
});
