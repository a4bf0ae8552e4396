/** What is known of a sample. */
export interface Sample {
  readonly count: number;
  readonly mean: number;
  /** Sample standard deviation; null with fewer than two values. */
  readonly deviation: number | null;
}

/**
 * Difference of two means in pooled standard deviations, d = (m₁ − m₂) / s with
 * s² = ((n₁ − 1)s₁² + (n₂ − 1)s₂²) / (n₁ + n₂ − 2) (Cohen 1988, section 2.5).
 * Undefined where either has fewer than two values, and where none of them
 * differ within the samples but the means do, as no number says how much that is;
 * 0 where nothing differs.
 */
export function cohensD(one: Sample, other: Sample): number | undefined {
  if (one.deviation === null || other.deviation === null || one.count < 2 || other.count < 2)
    return undefined;
  const squares = (one.count - 1) * one.deviation ** 2 + (other.count - 1) * other.deviation ** 2;
  const pooled = Math.sqrt(squares / (one.count + other.count - 2));
  const difference = one.mean - other.mean;
  if (pooled > 0) return difference / pooled;
  return difference === 0 ? 0 : undefined;
}
