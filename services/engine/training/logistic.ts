/** Weights of a dense logistic model: `probability = 1 / (1 + exp(-(bias + weights . x)))`. */
export interface LogisticModel {
  readonly weights: readonly number[];
  readonly bias: number;
}

const steps = 50;

/**
 * Fits a logistic regression with a squared penalty on the weights (not the
 * bias) by Newton's method. `labels` are 1 or 0.
 */
export function fitLogistic(
  rows: readonly ArrayLike<number>[],
  labels: readonly number[],
  penalty: number,
  costs?: readonly number[],
): LogisticModel {
  const width = (rows[0]?.length ?? 0) + 1;
  const weights = new Float64Array(width);
  for (let step = 0; step < steps; step++) {
    const { gradient, curvature } = derivatives(rows, labels, weights, penalty, costs);
    const change = solveSymmetric(curvature, gradient);
    let largest = 0;
    change.forEach((amount, at) => {
      weights[at] = (weights[at] as number) - amount;
      largest = Math.max(largest, Math.abs(amount));
    });
    if (largest < 1e-10) break;
  }
  return { weights: [...weights.subarray(1)], bias: weights[0] as number };
}

/** Score of a row before the logistic map. */
export function logisticScore({ weights, bias }: LogisticModel, row: ArrayLike<number>): number {
  return weights.reduce((sum, weight, at) => sum + weight * (row[at] as number), bias);
}

function derivatives(
  rows: readonly ArrayLike<number>[],
  labels: readonly number[],
  weights: Float64Array,
  penalty: number,
  costs: readonly number[] | undefined,
) {
  const width = weights.length;
  const gradient = weights.map((weight, at) => (at === 0 ? 0 : penalty * weight));
  const curvature = Array.from({ length: width }, (_, at) => {
    const row = new Float64Array(width);
    row[at] = at === 0 ? 1e-9 : penalty;
    return row;
  });
  const x = new Float64Array(width).fill(1);
  rows.forEach((row, place) => {
    for (let at = 1; at < width; at++) x[at] = row[at - 1] as number;
    const score = x.reduce((sum, value, at) => sum + value * (weights[at] as number), 0);
    const probability = 1 / (1 + Math.exp(-score));
    const cost = costs?.[place] ?? 1;
    const error = cost * (probability - (labels[place] as number));
    const spread = cost * probability * (1 - probability);
    for (let at = 0; at < width; at++) {
      gradient[at] = (gradient[at] as number) + error * (x[at] as number);
      const line = curvature[at] as Float64Array;
      const scaled = spread * (x[at] as number);
      for (let other = 0; other < width; other++)
        line[other] = (line[other] as number) + scaled * (x[other] as number);
    }
  });
  return { gradient, curvature };
}

/** Solves a positive definite system by Gaussian elimination. */
function solveSymmetric(matrix: readonly Float64Array[], right: Float64Array): Float64Array {
  const rows = matrix.map((row) => row.slice());
  const values = right.slice();
  const size = values.length;
  for (let pivot = 0; pivot < size; pivot++) {
    const line = rows[pivot] as Float64Array;
    for (let below = pivot + 1; below < size; below++) {
      const other = rows[below] as Float64Array;
      const factor = (other[pivot] as number) / (line[pivot] as number);
      for (let at = pivot; at < size; at++) other[at] = (other[at] as number) - factor * (line[at] as number);
      values[below] = (values[below] as number) - factor * (values[pivot] as number);
    }
  }
  for (let pivot = size - 1; pivot >= 0; pivot--) {
    const line = rows[pivot] as Float64Array;
    let sum = values[pivot] as number;
    for (let at = pivot + 1; at < size; at++) sum -= (line[at] as number) * (values[at] as number);
    values[pivot] = sum / (line[pivot] as number);
  }
  return values;
}
