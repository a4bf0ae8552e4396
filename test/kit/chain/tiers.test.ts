import { describe, expect, it } from "vitest";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { tierAllowances } from "../../../services/kit/chain/tiers.js";
import { ConfigError, configSource } from "../../../services/kit/config.js";
import { ratesConfig } from "../../../services/kit/process/rates.js";

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
