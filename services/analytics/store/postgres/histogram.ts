/**
 * Ratio between the bounds of a bin. A value estimated from its bin is wrong by
 * (γ − 1) / (γ + 1) of itself at most, 0.9901 %.
 */
export const gamma = 1.02;

/** Of values whose magnitude is less, nothing but that is known. */
export const leastMagnitude = 1e-9;

/** A bin's count takes the lower 32 bits of its element, the bin the others. */
const countRange = 2 ** 32;

const logGamma = Math.log(gamma);

/** The first bin of positive values; those of negative ones mirror them, and 0 has bin 0. */
const firstBin = 1 - Math.ceil(Math.log(leastMagnitude) / logGamma);

/**
 * The bin of a value in a histogram whose bins grow by γ, so that it is merged
 * by adding counts and every estimate has the same relative error: DDSketch
 * (Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch
 * with relative-error guarantees", PVLDB 12(12), 2019), section 2.1. Bin
 * ⌈log_γ x⌉ holds the values of (γ^(i−1), γ^i], here counted from the one of
 * `leastMagnitude` so that the order of bins is that of values. At most 37,000
 * bins hold all positive doubles; those from a microsecond to an hour take 1,112.
 */
export function binOf(value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude < leastMagnitude) return 0;
  return Math.sign(value) * (Math.ceil(Math.log(magnitude) / logGamma) + firstBin);
}

/** `binOf` in PostgreSQL. */
export function binSql(value: string): string {
  const bin = `ceil(ln(abs(${value})) / ${logGamma}) + ${firstBin}`;
  return `(case when abs(${value}) < ${leastMagnitude} then 0 else sign(${value}) * (${bin}) end)::bigint`;
}

/** What a bin says of its values, 2γ^i / (γ + 1), in PostgreSQL. */
export function estimateSql(bin: string): string {
  const estimate = `exp((abs(${bin}) - ${firstBin}) * ${logGamma}) * ${2 / (gamma + 1)}`;
  return `(sign(${bin}) * ${estimate})`;
}

/** A bin and how many values it has, as rollups hold it: exact while there are less than 2^32. */
export function elementOf(bin: number, count: number): number {
  return bin * countRange + count;
}

/** The bin of an element in PostgreSQL. */
export const elementBinSql = (element: string) => `(${element} >> 32)`;

/** The count of an element in PostgreSQL. */
export const elementCountSql = (element: string) => `(${element} & ${countRange - 1})`;
