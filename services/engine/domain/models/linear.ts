import type { FeatureRange, FeatureSet } from "./features.js";

/** Heads that read the same buckets. Weights lie bucket by bucket: one line of cache serves all heads. */
export interface LinearHeads {
  /** 2^bits buckets of words, then as many of character n-grams. */
  readonly bits: number;
  readonly heads: number;
  /** `weights[bucket * heads + head]`, in units of the head's scale. */
  readonly weights: Int8Array;
  readonly scales: readonly number[];
  readonly biases: readonly number[];
}

/**
 * Scores of all heads: the bias plus the dot product of the weights with the
 * words and with the character n-grams, each brought to length 1.
 */
export function createScorer({ bits, heads, weights, scales, biases }: LinearHeads) {
  const words = new Int32Array(heads);
  const characters = new Int32Array(heads);
  const mask = (1 << bits) - 1;

  const addUp = ({ buckets, start, end }: FeatureRange, first: number, sums: Int32Array): void => {
    sums.fill(0);
    for (let at = start; at < end; at++) {
      const base = (first + ((buckets[at] as number) & mask)) * heads;
      for (let head = 0; head < heads; head++)
        sums[head] = (sums[head] as number) + (weights[base + head] as number);
    }
  };

  return (features: FeatureSet, into: Float64Array): void => {
    addUp(features.words, 0, words);
    addUp(features.characters, 1 << bits, characters);
    const wordScale = unitScale(features.words);
    const characterScale = unitScale(features.characters);
    for (let head = 0; head < heads; head++) {
      const sum = (words[head] as number) * wordScale + (characters[head] as number) * characterScale;
      into[head] = sum * (scales[head] as number) + (biases[head] as number);
    }
  };
}

/** What brings a set of equal features to length 1. */
function unitScale({ start, end }: FeatureRange): number {
  return end === start ? 0 : 1 / Math.sqrt(end - start);
}
