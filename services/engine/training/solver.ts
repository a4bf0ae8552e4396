import { createRandom, shuffle } from "./random.js";
import { partScale, type Rows } from "./rows.js";

/** What one head learns from. */
export interface Problem {
  readonly rows: Rows;
  readonly bits: number;
  /** Numbers of the rows to learn from. */
  readonly chosen: Int32Array;
  /** For each chosen row: 1 or -1, or the value to predict. */
  readonly targets: Float64Array;
  /** For each chosen row: its cost. */
  readonly costs: Float64Array;
  /** Squares of the factors of each bucket: prior scaling such as idf or naive Bayes ratios. */
  readonly squares: Float32Array;
  /** `rank`: each chosen row is to outscore its rival by 1; targets are 1. */
  readonly kind: "classify" | "regress" | "rank";
  readonly rivals?: Int32Array;
  readonly epochs: number;
  readonly seed: number;
}

/** A linear score: bucket weights, with the factors folded in, and what is added. */
export interface Solution {
  readonly weights: Float32Array;
  readonly bias: number;
}

/**
 * Dual coordinate descent for linear models with squared loss: the L2-loss
 * support vector machine of Hsieh et al. 2008 (ICML), or ridge regression.
 * Visits rows in a seeded order; the same input gives the same bits.
 */
export function solve(problem: Problem): Solution {
  const { rows, chosen, targets, costs, kind, rivals } = problem;
  const space = createSpace(problem);
  const norms = Float64Array.from(
    chosen,
    (row, at) => space.norm(row) + (rivals ? space.norm(rivals[at] as number) : 1),
  );
  const duals = new Float64Array(chosen.length);
  const random = createRandom(problem.seed);
  const order = Int32Array.from(chosen, (_, at) => at);
  let bias = 0;
  for (let epoch = 0; epoch < problem.epochs; epoch++) {
    shuffle(order, random);
    for (const at of order) {
      const row = chosen[at] as number;
      if (rows.starts[row] === rows.starts[row + 1]) continue;
      const dual = duals[at] as number;
      const target = targets[at] as number;
      const ridge = 0.5 / (costs[at] as number);
      const bounded = kind !== "regress";
      const sign = bounded ? target : 1;
      const rival = rivals?.[at];
      const score = space.dot(row) + (rival === undefined ? bias : -space.dot(rival));
      const slope = sign * score - (bounded ? 1 : target) + ridge * dual;
      if (bounded && dual === 0 && slope >= 0) continue;
      const free = dual - slope / ((norms[at] as number) + ridge);
      const next = bounded ? Math.max(free, 0) : free;
      duals[at] = next;
      space.add(row, sign * (next - dual));
      if (rival === undefined) bias += sign * (next - dual);
      else space.add(rival, sign * (dual - next));
    }
  }
  return { weights: space.weights, bias };
}

/** Weights with the operations of the descent, over the buckets, pairs and numbers of a row. */
export function createSpace({ rows, bits, squares }: Pick<Problem, "rows" | "bits" | "squares">) {
  const { buckets, starts, middles, pairs, numbers } = rows;
  const weights = new Float32Array(weightCount(rows, bits));
  const mask = (1 << bits) - 1;
  const offset = 1 << bits;
  const pairOffset = 2 << bits;
  const numberOffset = pairOffset + (pairs ? 1 << pairs.bits : 0);

  const sumOf = (
    list: Uint16Array,
    values: Float32Array,
    from: number,
    to: number,
    base: number,
    keep: number,
  ): number => {
    let sum = 0;
    for (let at = from; at < to; at++) sum += values[base + ((list[at] as number) & keep)] as number;
    return sum;
  };
  const addPart = (
    list: Uint16Array,
    from: number,
    to: number,
    base: number,
    keep: number,
    amount: number,
  ): void => {
    for (let at = from; at < to; at++) {
      const bucket = base + ((list[at] as number) & keep);
      weights[bucket] = (weights[bucket] as number) + amount * (squares[bucket] as number);
    }
  };
  const extraDot = (row: number): number => {
    let sum = 0;
    if (pairs) {
      const start = pairs.starts[row] as number;
      const end = pairs.starts[row + 1] as number;
      sum += partScale(end - start) * sumOf(pairs.buckets, weights, start, end, pairOffset, 0xffff);
    }
    if (numbers) {
      const from = row * numbers.width;
      for (let at = 0; at < numbers.width; at++) {
        sum += (numbers.values[from + at] as number) * (weights[numberOffset + at] as number);
      }
    }
    return sum;
  };
  const extraNorm = (row: number): number => {
    let sum = 0;
    if (pairs) {
      const start = pairs.starts[row] as number;
      const end = pairs.starts[row + 1] as number;
      sum += partScale(end - start) ** 2 * sumOf(pairs.buckets, squares, start, end, pairOffset, 0xffff);
    }
    for (let at = 0; numbers && at < numbers.width; at++) {
      sum +=
        (numbers.values[row * numbers.width + at] as number) ** 2 * (squares[numberOffset + at] as number);
    }
    return sum;
  };
  const extraAdd = (row: number, amount: number): void => {
    if (pairs) {
      const start = pairs.starts[row] as number;
      const end = pairs.starts[row + 1] as number;
      addPart(pairs.buckets, start, end, pairOffset, 0xffff, amount * partScale(end - start));
    }
    for (let at = 0; numbers && at < numbers.width; at++) {
      const place = numberOffset + at;
      const step = amount * (numbers.values[row * numbers.width + at] as number) * (squares[place] as number);
      weights[place] = (weights[place] as number) + step;
    }
  };
  const hasExtras = pairs !== undefined || numbers !== undefined;

  return {
    weights,
    dot(row: number): number {
      const start = starts[row] as number;
      const middle = middles[row] as number;
      const end = starts[row + 1] as number;
      const words = partScale(middle - start) * sumOf(buckets, weights, start, middle, 0, mask);
      const characters = partScale(end - middle) * sumOf(buckets, weights, middle, end, offset, mask);
      return words + characters + (hasExtras ? extraDot(row) : 0);
    },
    norm(row: number): number {
      const start = starts[row] as number;
      const middle = middles[row] as number;
      const end = starts[row + 1] as number;
      const words = partScale(middle - start) ** 2 * sumOf(buckets, squares, start, middle, 0, mask);
      const characters = partScale(end - middle) ** 2 * sumOf(buckets, squares, middle, end, offset, mask);
      return words + characters + (hasExtras ? extraNorm(row) : 0);
    },
    add(row: number, amount: number): void {
      const start = starts[row] as number;
      const middle = middles[row] as number;
      const end = starts[row + 1] as number;
      addPart(buckets, start, middle, 0, mask, amount * partScale(middle - start));
      addPart(buckets, middle, end, offset, mask, amount * partScale(end - middle));
      if (hasExtras) extraAdd(row, amount);
    },
  };
}

/** Weights of rows: words, character n-grams, pairs and numbers, in this order. */
export function weightCount({ pairs, numbers }: Rows, bits: number): number {
  return (2 << bits) + (pairs ? 1 << pairs.bits : 0) + (numbers ? numbers.width : 0);
}
