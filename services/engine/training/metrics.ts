/** Scores of one class and of the other. */
export interface Separation {
  readonly positive: readonly number[];
  readonly negative: readonly number[];
}

/** Area under the ROC curve: how often a positive outscores a negative, ties half. */
export function auroc({ positive, negative }: Separation): number {
  const sorted = Float64Array.from(negative).sort();
  const wins = positive.reduce(
    (sum, score) => sum + (below(sorted, score, false) + below(sorted, score, true)) / 2,
    0,
  );
  return wins / (positive.length * negative.length);
}

/** Average precision: the area under the precision-recall curve as steps. */
export function averagePrecision({ positive, negative }: Separation): number {
  const ranked = [
    ...positive.map((score) => ({ score, hit: 1 })),
    ...negative.map((score) => ({ score, hit: 0 })),
  ];
  ranked.sort((a, b) => b.score - a.score || a.hit - b.hit);
  let hits = 0;
  let sum = 0;
  ranked.forEach(({ hit }, at) => {
    hits += hit;
    if (hit) sum += hits / (at + 1);
  });
  return sum / positive.length;
}

/** The lowest threshold that at most a share of scores lies above. */
export function thresholdAt(scores: readonly number[], share: number): number {
  const sorted = Float64Array.from(scores).sort();
  const above = Math.floor(share * sorted.length);
  return sorted[sorted.length - 1 - above] ?? Number.POSITIVE_INFINITY;
}

/** Share of scores above a threshold. */
export function shareAbove(scores: readonly number[], threshold: number): number {
  return scores.filter((score) => score > threshold).length / scores.length;
}

/** Share of positives above the threshold that lets a share of negatives pass. */
export function recallAt({ positive, negative }: Separation, share: number): number {
  return shareAbove(positive, thresholdAt(negative, share));
}

/** Expected calibration error over ten bins of equal width; `weights` say how often each counts. */
export function calibrationError(
  probabilities: readonly number[],
  labels: readonly number[],
  weights?: readonly number[],
): number {
  const bins = Array.from({ length: 10 }, () => ({ predicted: 0, seen: 0 }));
  let total = 0;
  probabilities.forEach((probability, at) => {
    const bin = bins[Math.min(9, Math.floor(probability * 10))];
    const weight = weights?.[at] ?? 1;
    if (!bin) return;
    total += weight;
    bin.predicted += weight * probability;
    bin.seen += weight * (labels[at] as number);
  });
  return bins.reduce((sum, bin) => sum + Math.abs(bin.predicted - bin.seen), 0) / total;
}

/** Pearson's correlation. */
export function correlation(first: readonly number[], second: readonly number[]): number {
  const meanFirst = mean(first);
  const meanSecond = mean(second);
  let product = 0;
  let squareFirst = 0;
  let squareSecond = 0;
  first.forEach((value, at) => {
    const a = value - meanFirst;
    const b = (second[at] as number) - meanSecond;
    product += a * b;
    squareFirst += a * a;
    squareSecond += b * b;
  });
  return product / Math.sqrt(squareFirst * squareSecond);
}

/** Harmonic mean of precision and recall. */
export function f1(predicted: readonly boolean[], actual: readonly boolean[]): number {
  let hits = 0;
  let total = 0;
  predicted.forEach((yes, at) => {
    if (yes && actual[at]) hits++;
    total += Number(yes) + Number(actual[at]);
  });
  return total === 0 ? 0 : (2 * hits) / total;
}

/** Arithmetic mean; 0 of nothing. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** How many of a sorted list lie below a value, or at it too. */
function below(sorted: Float64Array, value: number, orAt: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = sorted[middle] as number;
    if (other < value || (orAt && other === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}
