import { RateClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import type { Principal } from "../context.js";
import type { Allowance, SharedAllowance } from "./bounds.js";
import { type TierConfig, tierAllowances } from "./tiers.js";

/** What bounds calls of principals, and what a call takes. Asked at each call. */
export interface Quotas {
  /** What bounds an account on its own, by its tier. */
  allowanceOf(tier: Principal["tier"]): Allowance;
  /** What it shares with all others of a tenant. Throws DEPENDENCY_UNAVAILABLE when nobody knows. */
  sharedBy(tenant: string): SharedAllowance | Promise<SharedAllowance>;
  /** Units that a call of a class takes; whole. 0 where it takes none. */
  costOf(rate: RateClass): number;
}

/** How quotas are configured. */
export interface QuotaConfig extends TierConfig {
  /** Units that a call of each class takes. */
  readonly weights: { readonly read: number; readonly write: number; readonly judge: number };
}

/** The quotas of the tiers as configured, and those of tenants as `sharedBy` says. */
export function configuredQuotas(config: QuotaConfig, sharedBy: Quotas["sharedBy"]): Quotas {
  const { read, write, judge } = config.weights;
  const costs = new Map<RateClass, number>([
    [RateClass.READ, read],
    [RateClass.WRITE, write],
    [RateClass.JUDGE, judge],
  ]);
  return { allowanceOf: tierAllowances(config), sharedBy, costOf: (rate) => costs.get(rate) ?? 0 };
}
