import type { Calibration } from "../domain/models/calibration.js";
import type { AffectHead } from "../domain/models/heads.js";
import { lexiconFeatures } from "../domain/models/lexicon.js";
import type { Rows } from "./rows.js";
import { createSpace, type Solution, weightCount } from "./solver.js";

/** A trained head before rounding. */
export interface TrainedHead extends Calibration {
  readonly name: AffectHead;
  readonly solution: Solution;
  readonly numbers: readonly number[];
  /** Weights of pairs of words, for heads that read them. */
  readonly pairs?: Float32Array;
  readonly threshold?: number;
}

/** Bits of a bucket of the heads of feeling and ethics. */
export const affectBits = 15;

/** Squares for all weights of rows: those of buckets, then of pairs by frequency, then of numbers. */
export function extended(
  rows: Rows,
  squares: Float32Array,
  pairSquare: number,
  square: number,
): Float32Array {
  const all = new Float32Array(weightCount(rows, affectBits)).fill(square);
  all.set(squares);
  const { pairs } = rows;
  if (!pairs) return all;
  const frequency = new Float64Array(1 << pairs.bits);
  for (const bucket of pairs.buckets) frequency[bucket] = (frequency[bucket] as number) + 1;
  frequency.forEach((seen, bucket) => {
    const weight = Math.log((1 + rows.count) / (1 + seen)) + 1;
    all[(2 << affectBits) + bucket] = pairSquare * weight * weight;
  });
  return all;
}

/** Scores rows by a solution. */
export function scorer(rows: Rows, { weights, bias }: Solution): (row: number) => number {
  const space = createSpace({ rows, bits: affectBits, squares: weights });
  space.weights.set(weights);
  return (row) => space.dot(row) + bias;
}

/** Weights of the lexicon's numbers. */
export function numbersOf(rows: Rows, { weights }: Solution): number[] {
  return [...weights.subarray(weightCount(rows, affectBits) - lexiconFeatures.length)];
}

/** Rows whose pairs of words are not read. */
export function withoutPairs({ pairs: _, ...rows }: Rows): Rows {
  return rows;
}
