const binCount = 10;

/** How well probabilities agreed with what came true. */
export interface Agreement {
  readonly labels: number;
  /** Mean squared difference between probability and label (Brier 1950). */
  readonly brier: number;
  /**
   * Expected calibration error: the mean difference between mean probability and
   * share that came true over ten bins of equal width, weighted by their counts
   * (Naeini, Cooper and Hauskrecht 2015).
   */
  readonly calibrationError: number;
}

interface Bin {
  count: number;
  sum: number;
  hits: number;
}

/** Gathers probabilities with their labels one by one, in memory that does not grow. */
export class Reliability {
  #labels = 0;
  #squares = 0;
  readonly #bins: Bin[] = Array.from({ length: binCount }, () => ({ count: 0, sum: 0, hits: 0 }));

  /** `probability` is 0..1. */
  add(probability: number, cameTrue: boolean): void {
    const label = Number(cameTrue);
    this.#labels += 1;
    this.#squares += (probability - label) ** 2;
    const bin = this.#bins[Math.min(binCount - 1, Math.floor(probability * binCount))]!;
    bin.count += 1;
    bin.sum += probability;
    bin.hits += label;
  }

  /** Of what was added so far; zeros without any. */
  agreement(): Agreement {
    const labels = this.#labels;
    if (labels === 0) return { labels, brier: 0, calibrationError: 0 };
    const gaps = this.#bins.reduce((total, { sum, hits }) => total + Math.abs(sum - hits), 0);
    return { labels, brier: this.#squares / labels, calibrationError: gaps / labels };
  }
}
