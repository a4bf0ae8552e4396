import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { type Allowance, hourMs, minuteRate } from "./bounds.js";

/** What a tier allows. */
export interface TierLimits {
  /** Units an hour; 0 for no quota. */
  readonly requestsPerHour: number;
  /** Calls in progress at once; 0 for any number. */
  readonly concurrent: number;
  /** By how much it is faster than the configured rate and burst. */
  readonly multiplier: number;
}

/** Name of a tier in settings. */
export type TierName = Lowercase<Exclude<keyof typeof Tier, "UNSPECIFIED">>;

/** How tiers are configured. */
export interface TierConfig {
  readonly tiers: Readonly<Record<TierName, TierLimits>>;
  /** Calls of an account: how many a second, how many at once, and how many a minute whatever its tier. */
  readonly rates: { readonly perSecond: number; readonly burst: number; readonly perMinute: number };
}

/** What each tier allows, made once. An account without a tier has the lowest. */
export function tierAllowances({ tiers, rates }: TierConfig): (tier: Tier) => Allowance {
  const minute = minuteRate(rates.perMinute);
  const allowanceOf = ({ requestsPerHour, concurrent, multiplier }: TierLimits): Allowance => {
    const burst = Math.max(1, Math.floor(rates.burst * multiplier));
    const windowMs = Math.ceil((burst / (rates.perSecond * multiplier)) * 1000);
    return {
      rates: [{ name: "burst", limit: burst, windowMs }, minute],
      quota: requestsPerHour === 0 ? undefined : { name: "quota", units: requestsPerHour, windowMs: hourMs },
      ceiling: concurrent === 0 ? undefined : { name: "concurrency", most: concurrent },
    };
  };
  const basic = allowanceOf(tiers.basic);
  const allowances = new Map<Tier, Allowance>([
    [Tier.ADVANCED, allowanceOf(tiers.advanced)],
    [Tier.ENTERPRISE, allowanceOf(tiers.enterprise)],
    [Tier.RESEARCH, allowanceOf(tiers.research)],
  ]);
  return (tier) => allowances.get(tier) ?? basic;
}
