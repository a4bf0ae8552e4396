/** A probability beside what turned out, as a share of its labels, 0..1. */
export interface Labelled {
  readonly probability: number;
  readonly supported: number;
}

/** Answers of similar probability. */
export interface Bin {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
  readonly meanConfidence: number;
  readonly supported: number;
}

/** Agreement of a probability with labels. */
export interface Reliability {
  /** Mean squared difference (Brier 1950). */
  readonly brierScore: number;
  /** Weighted mean difference over the bins (Naeini, Cooper and Hauskrecht 2015). */
  readonly expectedCalibrationError: number;
  /** Without empty ones, lowest first. */
  readonly bins: readonly Bin[];
}

const binCount = 10;

/** How well probabilities agree with labels; undefined without any. */
export function reliabilityOf(labelled: readonly Labelled[]): Reliability | undefined {
  if (labelled.length === 0) return undefined;
  const bins = binsOf(labelled);
  const gaps = bins.map(
    ({ count, meanConfidence, supported }) => count * Math.abs(meanConfidence - supported),
  );
  return {
    brierScore: mean(labelled.map(({ probability, supported }) => (probability - supported) ** 2)),
    expectedCalibrationError: gaps.reduce((sum, gap) => sum + gap, 0) / labelled.length,
    bins,
  };
}

function binsOf(labelled: readonly Labelled[]): Bin[] {
  const byBin = Array.from({ length: binCount }, (): Labelled[] => []);
  for (const one of labelled)
    byBin[Math.min(binCount - 1, Math.floor(one.probability * binCount))]?.push(one);
  return byBin.flatMap((members, at) =>
    members.length === 0
      ? []
      : [
          {
            lower: at / binCount,
            upper: (at + 1) / binCount,
            count: members.length,
            meanConfidence: mean(members.map(({ probability }) => probability)),
            supported: mean(members.map(({ supported }) => supported)),
          },
        ],
  );
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
