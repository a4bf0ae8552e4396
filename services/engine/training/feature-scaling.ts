import { documentFrequency, inverseFrequency, type Rows } from "./rows.js";

/** Squares of inverse document frequencies. */
export function frequencySquares(rows: Rows, chosen: Int32Array, bits: number): Float32Array {
  const weights = inverseFrequency(documentFrequency(rows, chosen, bits), chosen.length);
  return Float32Array.from(weights, (weight) => weight * weight);
}

/** Squares of the log-count ratios of naive Bayes, as in NB-SVM (Wang and Manning 2012). */
export function bayesSquares(
  rows: Rows,
  chosen: Int32Array,
  targets: Float64Array,
  bits: number,
  smoothing: number,
): Float32Array {
  const yes = documentFrequency(
    rows,
    chosen.filter((_, at) => (targets[at] as number) > 0),
    bits,
  );
  const no = documentFrequency(
    rows,
    chosen.filter((_, at) => (targets[at] as number) <= 0),
    bits,
  );
  const squares = new Float32Array(yes.length);
  for (const start of [0, yes.length / 2]) {
    const end = start + yes.length / 2;
    const yesTotal = total(yes, start, end, smoothing);
    const noTotal = total(no, start, end, smoothing);
    for (let at = start; at < end; at++) {
      const ratio = Math.log(
        ((yes[at] as number) + smoothing) / yesTotal / (((no[at] as number) + smoothing) / noTotal),
      );
      squares[at] = ratio * ratio;
    }
  }
  return squares;
}

function total(counts: Float64Array, start: number, end: number, smoothing: number): number {
  let sum = 0;
  for (let at = start; at < end; at++) sum += (counts[at] as number) + smoothing;
  return sum;
}
