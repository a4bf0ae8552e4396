import { FeatureReader, type FeatureSet, featureBits } from "../domain/models/features.js";
import { foldForFeatures } from "../domain/models/fold.js";

/**
 * Features of many texts, one row each: `buckets[starts[i]..middles[i])` are the
 * words of row i, `buckets[middles[i]..starts[i + 1])` its character n-grams.
 */
export interface Rows {
  readonly count: number;
  readonly buckets: Uint16Array;
  readonly starts: Int32Array;
  readonly middles: Int32Array;
  /** Pairs of words of two clauses: of row i, `pairs.buckets[pairs.starts[i]..pairs.starts[i + 1])`. */
  readonly pairs?: { readonly bits: number; readonly buckets: Uint16Array; readonly starts: Int32Array };
  /** Numbers that describe each row, `width` of them. */
  readonly numbers?: { readonly width: number; readonly values: Float32Array };
}

/** Collects rows; `add` returns the numbers of the rows that a text made. */
export class RowBuilder {
  readonly #reader = new FeatureReader();
  #buckets = new Uint16Array(1 << 20);
  #length = 0;
  readonly #starts: number[] = [0];
  readonly #middles: number[] = [];

  /** Adds a text's document row, and a row for each window when there are several and `windows` is asked. */
  add(text: string, windows = false): { document: number; windows: number[] } {
    const features = this.#reader.read(foldForFeatures(text));
    const document = this.#push(features.document);
    const several = windows && features.windows.length > 1;
    return { document, windows: several ? features.windows.map((window) => this.#push(window)) : [] };
  }

  #push({ words, characters }: FeatureSet): number {
    this.#copy(words);
    this.#middles.push(this.#length);
    this.#copy(characters);
    this.#starts.push(this.#length);
    return this.#middles.length - 1;
  }

  #copy({ buckets, start, end }: FeatureSet["words"]): void {
    const needed = this.#length + end - start;
    if (needed > this.#buckets.length) {
      const larger = new Uint16Array(Math.max(needed, 2 * this.#buckets.length));
      larger.set(this.#buckets);
      this.#buckets = larger;
    }
    this.#buckets.set(buckets.subarray(start, end), this.#length);
    this.#length = needed;
  }

  build(): Rows {
    return {
      count: this.#middles.length,
      buckets: this.#buckets.slice(0, this.#length),
      starts: Int32Array.from(this.#starts),
      middles: Int32Array.from(this.#middles),
    };
  }
}

/** How rows are read for one group of heads: 2^bits word buckets, then as many of characters. */
export interface Layout {
  readonly bits: number;
}

/** Buckets of a layout. */
export function bucketCount({ bits }: Layout): number {
  return 2 << bits;
}

/** Score of a row under weights: both parts have length 1. */
export function dot(rows: Rows, row: number, weights: Float32Array | Float64Array, bits: number): number {
  const { buckets, starts, middles } = rows;
  const mask = (1 << bits) - 1;
  const offset = 1 << bits;
  const start = starts[row] as number;
  const middle = middles[row] as number;
  const end = starts[row + 1] as number;
  let words = 0;
  for (let at = start; at < middle; at++) words += weights[(buckets[at] as number) & mask] as number;
  let characters = 0;
  for (let at = middle; at < end; at++)
    characters += weights[offset + ((buckets[at] as number) & mask)] as number;
  return words * partScale(middle - start) + characters * partScale(end - middle);
}

/** Length that makes a part of `count` equal features one long; 0 for none. */
export function partScale(count: number): number {
  return count === 0 ? 0 : 1 / Math.sqrt(count);
}

/** In how many of the rows each bucket occurs. */
export function documentFrequency(rows: Rows, chosen: Int32Array, bits: number): Float64Array {
  const frequency = new Float64Array(2 << bits);
  const mask = (1 << bits) - 1;
  for (const row of chosen) {
    const middle = rows.middles[row] as number;
    const end = rows.starts[row + 1] as number;
    for (let at = rows.starts[row] as number; at < end; at++) {
      const bucket = ((rows.buckets[at] as number) & mask) + (at < middle ? 0 : 1 << bits);
      frequency[bucket] = (frequency[bucket] as number) + 1;
    }
  }
  return frequency;
}

/** Inverse document frequency as scikit-learn smooths it. */
export function inverseFrequency(frequency: Float64Array, count: number): Float64Array {
  return frequency.map((seen) => Math.log((1 + count) / (1 + seen)) + 1);
}

/** The widest layout: every bit of a feature's number. */
export const widest: Layout = { bits: featureBits };
