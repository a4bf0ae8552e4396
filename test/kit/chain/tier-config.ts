import type { SharedAllowance } from "../../../services/kit/chain/bounds.js";
import { configuredQuotas, type QuotaConfig, type Quotas } from "../../../services/kit/chain/quota.js";
import type { TierLimits } from "../../../services/kit/chain/tiers.js";

const unbound: TierLimits = { requestsPerHour: 0, concurrent: 0, multiplier: 1 };

/** A tenant whose accounts share no limit. */
export const nothingShared: SharedAllowance = { quota: undefined, ceiling: undefined };

/** Quotas of tiers that nothing bounds but what is given, and rates that let a thousand calls pass at once. */
export function quotasWith(
  given: {
    basic?: Partial<TierLimits>;
    enterprise?: Partial<TierLimits>;
    weights?: QuotaConfig["weights"];
    rates?: Partial<QuotaConfig["rates"]>;
  } = {},
  sharedBy: Quotas["sharedBy"] = () => nothingShared,
): Quotas {
  const config: QuotaConfig = {
    tiers: {
      basic: { ...unbound, ...given.basic },
      advanced: { ...unbound, multiplier: 2 },
      enterprise: { ...unbound, ...given.enterprise },
      research: unbound,
    },
    rates: { perSecond: 1000, burst: 1000, perMinute: 1000, ...given.rates },
    weights: given.weights ?? { read: 1, write: 1, judge: 1 },
  };
  return configuredQuotas(config, sharedBy);
}
