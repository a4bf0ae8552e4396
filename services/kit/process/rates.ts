import type { QuotaConfig } from "../chain/quota.js";
import type { EdgeRates } from "../chain/rate-limit.js";
import type { TierLimits, TierName } from "../chain/tiers.js";
import { type ConfigSource, integer, number } from "../config.js";

/** What bounds calls from outside. */
export interface RatesConfig {
  /** How often somebody without a principal may call. */
  readonly rates: EdgeRates;
  /** What accounts of each tier may use. */
  readonly quotas: QuotaConfig;
}

const mostUnits = 1_000_000_000;

/** Each tier as it is unless configured otherwise. */
const defaults: Readonly<Record<TierName, TierLimits>> = {
  basic: { requestsPerHour: 100, concurrent: 0, multiplier: 1 },
  advanced: { requestsPerHour: 1000, concurrent: 0, multiplier: 2 },
  enterprise: { requestsPerHour: 0, concurrent: 100, multiplier: 10 },
  research: { requestsPerHour: 0, concurrent: 100, multiplier: 10 },
};

/** Reads rates, quotas and tiers; problems stay in the source. */
export function ratesConfig(source: ConfigSource): RatesConfig {
  const values = source.read({
    RATE_PER_SECOND: number(0.1, 1_000_000, { fallback: 10 }),
    RATE_BURST: integer(1, 1_000_000, { fallback: 30 }),
    RATE_PER_MINUTE: integer(1, 1_000_000, { fallback: 1000 }),
    RATE_SIGN_IN_PER_MINUTE: integer(1, 1_000_000, { fallback: 120 }),
    QUOTA_WEIGHT_READ: integer(0, 1000, { fallback: 1 }),
    QUOTA_WEIGHT_WRITE: integer(0, 1000, { fallback: 1 }),
    QUOTA_WEIGHT_JUDGE: integer(0, 1000, { fallback: 1 }),
  });
  return {
    rates: { perMinute: values.RATE_PER_MINUTE, signInPerMinute: values.RATE_SIGN_IN_PER_MINUTE },
    quotas: {
      tiers: {
        basic: tierLimits(source, "basic"),
        advanced: tierLimits(source, "advanced"),
        enterprise: tierLimits(source, "enterprise"),
        research: tierLimits(source, "research"),
      },
      rates: {
        perSecond: values.RATE_PER_SECOND,
        burst: values.RATE_BURST,
        perMinute: values.RATE_PER_MINUTE,
      },
      weights: {
        read: values.QUOTA_WEIGHT_READ,
        write: values.QUOTA_WEIGHT_WRITE,
        judge: values.QUOTA_WEIGHT_JUDGE,
      },
    },
  };
}

function tierLimits(source: ConfigSource, name: TierName): TierLimits {
  const { requestsPerHour, concurrent, multiplier } = defaults[name];
  const setting = (suffix: string) => `TIER_${name.toUpperCase()}_${suffix}`;
  const [hour, most, times] = ["REQUESTS_PER_HOUR", "CONCURRENT", "MULTIPLIER"].map(setting) as [
    string,
    string,
    string,
  ];
  const values = source.read({
    [hour]: integer(0, mostUnits, { fallback: requestsPerHour }),
    [most]: integer(0, 1_000_000, { fallback: concurrent }),
    [times]: number(0.1, 1000, { fallback: multiplier }),
  });
  return { requestsPerHour: values[hour]!, concurrent: values[most]!, multiplier: values[times]! };
}
