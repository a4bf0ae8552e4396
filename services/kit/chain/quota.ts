import { RateClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import type { Principal } from "../context.js";

/** How much one principal may use in a window that begins and ends for everybody at once. */
export interface Quota {
  /** As `RateLimit` names it. */
  readonly name: string;
  readonly units: number;
  readonly windowMs: number;
}

/** Which quota counts a call, and for how much. */
export interface Quotas {
  /** The principal's quota; undefined when its calls are not counted. Asked at each call. */
  quotaOf(principal: Principal): Quota | undefined | Promise<Quota | undefined>;
  /** Units that a call of a class takes; whole. 0 where it is not counted. */
  costOf(rate: RateClass): number;
}

/** One quota for every principal, and what a call of each class takes of it. */
export interface QuotaConfig {
  /** 0 for none. */
  readonly unitsPerHour: number;
  readonly weights: { readonly read: number; readonly write: number; readonly judge: number };
}

const hourMs = 3_600_000;

/** The same quota for all principals, as configured. */
export function configuredQuotas({ unitsPerHour, weights }: QuotaConfig): Quotas {
  const quota = unitsPerHour === 0 ? undefined : { name: "quota", units: unitsPerHour, windowMs: hourMs };
  const costs = new Map<RateClass, number>([
    [RateClass.READ, weights.read],
    [RateClass.WRITE, weights.write],
    [RateClass.JUDGE, weights.judge],
  ]);
  return { quotaOf: () => quota, costOf: (rate) => costs.get(rate) ?? 0 };
}
