import { median } from "./median.js";

/** A straight line. */
export interface Trend {
  /** Change for each step. */
  readonly slope: number;
  /** Value at step 0. */
  readonly start: number;
}

/**
 * The line through values at steps 0, 1, …: the median of the slopes between all
 * pairs (Theil 1950, Sen 1968), and of what is left of the values without it.
 * Up to 29 % of the values may be arbitrary without moving it far. Undefined with
 * fewer than two values.
 */
export function trendOf(values: readonly number[]): Trend | undefined {
  if (values.length < 2) return undefined;
  const slopes: number[] = [];
  for (const [x, y] of values.entries()) {
    for (let later = x + 1; later < values.length; later += 1)
      slopes.push((values[later]! - y) / (later - x));
  }
  const slope = median(slopes);
  return { slope, start: median(values.map((y, x) => y - slope * x)) };
}

/** The step at which a trend reaches a value, which may lie in the past; undefined when it never does. */
export function stepAt({ slope, start }: Trend, value: number): number | undefined {
  return slope > 0 ? (value - start) / slope : undefined;
}
