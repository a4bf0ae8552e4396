import { twoSided } from "./normal.js";

/** So many of so many. */
export interface Share {
  readonly hits: number;
  readonly of: number;
}

/** The share, 0..1; 0 of nothing. */
export function shareOf({ hits, of }: Share): number {
  return of === 0 ? 0 : hits / of;
}

/**
 * Probability of so great a difference of two shares if both were samples of one:
 * the two-sided two-proportion z-test, z = (p₁ − p₂) / √(p(1 − p)(1/n₁ + 1/n₂))
 * with the pooled share p (Fleiss, Levin and Paik 2003, section 3.1, without
 * continuity correction). Undefined where either is a share of nothing; 1 where
 * all or none of both are hits.
 */
export function differenceOfShares(one: Share, other: Share): number | undefined {
  if (one.of === 0 || other.of === 0) return undefined;
  const pooled = (one.hits + other.hits) / (one.of + other.of);
  const variance = pooled * (1 - pooled) * (1 / one.of + 1 / other.of);
  return variance === 0 ? 1 : twoSided((shareOf(one) - shareOf(other)) / Math.sqrt(variance));
}
