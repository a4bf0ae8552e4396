import { median } from "./median.js";

/** How far a value lies from earlier ones. */
export interface RobustScore {
  readonly median: number;
  readonly score: number;
}

/** The median absolute deviation of a normal distribution in its standard deviations. */
const madOfNormal = 0.6745;

/**
 * The robust z-score of a value among earlier ones: 0.6745 · (value − median) ÷
 * MAD, the median absolute deviation (Iglewicz and Hoaglin 1993, section 3).
 * `leastDeviation` is a standard deviation that such values have by chance alone:
 * the MAD counts as no less than that of a normal distribution with it, so that
 * it is never 0 and a steady past makes nothing of little.
 */
export function robustScore(
  value: number,
  earlier: readonly number[],
  leastDeviation: (median: number) => number,
): RobustScore {
  const middle = median(earlier);
  const spread = median(earlier.map((one) => Math.abs(one - middle)));
  const scale = Math.max(spread, madOfNormal * leastDeviation(middle));
  return { median: middle, score: (madOfNormal * (value - middle)) / scale };
}
