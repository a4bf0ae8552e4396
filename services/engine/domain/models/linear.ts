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

/** Rows of bytes added up before 16 bits could overflow: 257 * 255 = 65535. */
const mostAdded = 257;
const oddBytes = 0x00ff00ff;

/**
 * Scores of all heads: the bias plus the dot product of the weights with the
 * words and with the character n-grams, each brought to length 1. Four weights
 * lie in one 32-bit number, raised by 128 so that none is negative, and are
 * added two at a time in halves of 16 bits.
 */
export function createScorer(linear: LinearHeads): (features: FeatureSet, into: Float64Array) => void {
  const { bits, heads, scales, biases } = linear;
  const width = Math.ceil(heads / 4);
  const packed = pack(linear, width);
  const even = new Int32Array(width);
  const odd = new Int32Array(width);
  const words = new Int32Array(4 * width);
  const characters = new Int32Array(4 * width);
  const mask = (1 << bits) - 1;

  const flush = (sums: Int32Array): void => {
    for (let at = 0; at < width; at++) {
      const evens = even[at] as number;
      const odds = odd[at] as number;
      sums[4 * at] = (sums[4 * at] as number) + (evens & 0xffff);
      sums[4 * at + 1] = (sums[4 * at + 1] as number) + (odds & 0xffff);
      sums[4 * at + 2] = (sums[4 * at + 2] as number) + (evens >>> 16);
      sums[4 * at + 3] = (sums[4 * at + 3] as number) + (odds >>> 16);
    }
    even.fill(0);
    odd.fill(0);
  };

  const addUp = ({ buckets, start, end }: FeatureRange, first: number, sums: Int32Array): void => {
    sums.fill(-128 * (end - start));
    for (let from = start; from < end; from += mostAdded) {
      const to = Math.min(end, from + mostAdded);
      for (let at = from; at < to; at++) {
        const base = (first + ((buckets[at] as number) & mask)) * width;
        for (let place = 0; place < width; place++) {
          const four = packed[base + place] as number;
          even[place] = ((even[place] as number) + (four & oddBytes)) | 0;
          odd[place] = ((odd[place] as number) + ((four >>> 8) & oddBytes)) | 0;
        }
      }
      flush(sums);
    }
  };

  return (features, into) => {
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

/** The same for heads as the manifest lists them. */
export function scorerOf(
  { bits, heads }: { bits: number; heads: readonly { readonly scale: number; readonly bias: number }[] },
  weights: Int8Array,
): ReturnType<typeof createScorer> {
  const scales = heads.map(({ scale }) => scale);
  const biases = heads.map(({ bias }) => bias);
  return createScorer({ bits, heads: heads.length, weights, scales, biases });
}

function pack({ bits, heads, weights }: LinearHeads, width: number): Int32Array {
  const packed = new Int32Array((2 << bits) * width);
  for (let bucket = 0; bucket < 2 << bits; bucket++) {
    for (let head = 0; head < heads; head++) {
      const raised = (weights[bucket * heads + head] as number) + 128;
      const place = bucket * width + (head >> 2);
      packed[place] = (packed[place] as number) | (raised << (8 * (head & 3)));
    }
  }
  return packed;
}

/** What brings a set of equal features to length 1. */
function unitScale({ start, end }: FeatureRange): number {
  return end === start ? 0 : 1 / Math.sqrt(end - start);
}
