/** A logistic map from a score to a probability (Platt 1999). */
export interface Calibration {
  readonly slope: number;
  readonly offset: number;
}

/** The probability that a score stands for, 0..1. */
export function probabilityOf(score: number, { slope, offset }: Calibration): number {
  return 1 / (1 + Math.exp(-(slope * score + offset)));
}
