import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { configuredQuotas } from "../../../services/kit/chain/quota.js";
import { rateLimit } from "../../../services/kit/chain/rate-limit.js";
import { tierAllowances } from "../../../services/kit/chain/tiers.js";
import { ConfigError, configSource } from "../../../services/kit/config.js";
import { errorFacts } from "../../../services/kit/errors.js";
import { ratesConfig } from "../../../services/kit/process/rates.js";
import { memoryLimits } from "../../../services/kit/stores/limits/memory.js";
import { ada } from "../tokens/forge.js";
import { createAgent, getAgent, pass, requestOf } from "./calls.js";
import { nothingShared } from "./tier-config.js";

function configured(environment: Record<string, string> = {}) {
  const source = configSource(environment);
  const config = ratesConfig(source);
  source.finish();
  return config;
}

const allowances = (environment?: Record<string, string>) => tierAllowances(configured(environment).quotas);

describe("tiers", () => {
  it.each([
    ["BASIC", Tier.BASIC, 100, undefined],
    ["ADVANCED", Tier.ADVANCED, 1000, undefined],
    ["ENTERPRISE", Tier.ENTERPRISE, undefined, 100],
    ["RESEARCH", Tier.RESEARCH, undefined, 100],
    ["UNSPECIFIED", Tier.UNSPECIFIED, 100, undefined],
  ])("allow %s so many requests an hour and calls at once, unless configured", (_, tier, units, most) => {
    const { quota, ceiling } = allowances()(tier);
    expect(quota).toEqual(units === undefined ? undefined : { name: "quota", units, windowMs: 3_600_000 });
    expect(ceiling).toEqual(most === undefined ? undefined : { name: "concurrency", most });
  });

  it("count every request once, unless configured", () => {
    expect(configured().quotas.weights).toEqual({ read: 1, write: 1, judge: 1 });
  });

  it("allow 1,000 calls a minute, whichever it is, and bursts that their multiplier enlarges", () => {
    const minute = { name: "minute", limit: 1000, windowMs: 60_000 };
    const burst = (limit: number) => ({ name: "burst", limit, windowMs: 3_000 });
    const rates = [Tier.BASIC, Tier.ADVANCED, Tier.ENTERPRISE, Tier.RESEARCH].map(
      (tier) => allowances()(tier).rates,
    );
    expect(rates).toEqual([30, 60, 300, 300].map((limit) => [burst(limit), minute]));
  });

  it("are what the environment says", () => {
    const allowanceOf = allowances({
      RATE_PER_SECOND: "2.5",
      RATE_BURST: "10",
      RATE_PER_MINUTE: "50",
      TIER_BASIC_REQUESTS_PER_HOUR: "7",
      TIER_BASIC_CONCURRENT: "3",
      TIER_ADVANCED_REQUESTS_PER_HOUR: "0",
      TIER_ENTERPRISE_CONCURRENT: "0",
      TIER_RESEARCH_MULTIPLIER: "0.1",
    });
    expect(allowanceOf(Tier.BASIC)).toEqual({
      rates: [
        { name: "burst", limit: 10, windowMs: 4_000 },
        { name: "minute", limit: 50, windowMs: 60_000 },
      ],
      quota: { name: "quota", units: 7, windowMs: 3_600_000 },
      ceiling: { name: "concurrency", most: 3 },
    });
    expect(allowanceOf(Tier.ADVANCED).quota).toBeUndefined();
    expect(allowanceOf(Tier.ENTERPRISE).ceiling).toBeUndefined();
    expect(allowanceOf(Tier.RESEARCH).rates[0]).toEqual({ name: "burst", limit: 1, windowMs: 4_000 });
  });

  it.each([
    ["TIER_BASIC_REQUESTS_PER_HOUR", "-1"],
    ["TIER_ENTERPRISE_CONCURRENT", "many"],
    ["TIER_RESEARCH_MULTIPLIER", "0"],
    ["RATE_PER_SECOND", "0"],
    ["RATE_BURST", "1.5"],
    ["QUOTA_WEIGHT_READ", "1001"],
  ])("refuse %s=%s by name", (name, value) => {
    expect(() => configured({ [name]: value })).toThrow(ConfigError);
    expect(() => configured({ [name]: value })).toThrow(`${name}=${value}`);
  });
});

describe("an account, as shipped", () => {
  const begin = Date.parse("2026-01-01T00:00:00Z");
  const { rates, quotas } = configured();

  /** How many calls of an hour are served of as many as a tier wants, whatever their class. */
  const served = async (tier: Tier, wanted: number) => {
    let now = begin;
    const limits = memoryLimits({ clock: { now: () => now, monotonic: () => now } });
    const layer = rateLimit({ limits, rates, quotas: configuredQuotas(quotas, () => nothingShared) });
    const methods = [getAgent, createAgent, EngineService.method.process];
    for (let calls = 0; calls < wanted; calls++) {
      const request = requestOf(methods[calls % methods.length] as DescMethod, {
        call: { principal: { ...ada, tier } },
      });
      const refusal = await pass([layer], request).then(
        () => undefined,
        (error: ConnectError) => error,
      );
      if (refusal) return { calls, reason: errorFacts(refusal)?.reason };
      now += 3_500_000 / wanted;
    }
    return { calls: wanted, reason: undefined };
  };

  it.each([
    ["BASIC", Tier.BASIC, { calls: 100, reason: "QUOTA_EXHAUSTED" }],
    ["ADVANCED", Tier.ADVANCED, { calls: 1000, reason: "QUOTA_EXHAUSTED" }],
    ["ENTERPRISE", Tier.ENTERPRISE, { calls: 3000, reason: undefined }],
    ["RESEARCH", Tier.RESEARCH, { calls: 3000, reason: undefined }],
  ])("of the tier %s has so many requests an hour", async (_, tier, expected) => {
    expect(await served(tier, 3000)).toEqual(expected);
  });
});
