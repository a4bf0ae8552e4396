import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import type { Layer } from "../../../services/kit/chain/chain.js";
import type { Quotas } from "../../../services/kit/chain/quota.js";
import { limitStrangers, rateLimit } from "../../../services/kit/chain/rate-limit.js";
import { errors } from "../../../services/kit/errors.js";
import { memoryLimits } from "../../../services/kit/stores/limits/memory.js";
import { ada } from "../tokens/forge.js";
import { contractOf, expectRefusal, getAgent, listAgents, pass, requestOf, watch } from "./calls.js";

const { login } = AuthService.method;
const none: Quotas = { quotaOf: () => undefined, costOf: () => 1 };

describe("the rate of calls from outside", () => {
  let now: number;
  let layer: Layer;

  beforeEach(() => {
    now = Date.parse("2026-01-01T00:00:00Z");
    const limits = memoryLimits({ clock: { now: () => now, monotonic: () => now } });
    layer = rateLimit({ limits, rates: { perMinute: 3, signInPerMinute: 1 }, quotas: none });
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
    expect(refusal.metadata.get("ratelimit")).toBe('"burst";r=0;t=60');
  });

  it("states what is left, by the counter that decided", async () => {
    const { header } = await read();
    expect(header.get("ratelimit-policy")).toBe('"burst";q=3;w=60');
    expect(header.get("ratelimit")).toMatch(/^"burst";r=2;t=\d+$/);
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
    await read({ ...ada, tenant: "another" });
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
    const away = { take: () => Promise.reject(errors.dependencyUnavailable({ dependency: "limits" })) };
    layer = rateLimit({ limits: away as never, rates: { perMinute: 3, signInPerMinute: 1 }, quotas: none });
    const refusal = await expectRefusal(read(), Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
    expect(refusal.metadata.get("retry-after")).toBe("1");
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
    expect(refusal.metadata.get("ratelimit")).toBe('"burst";r=1;t=30');
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
