/** Weights of several heads as whole numbers, bucket by bucket, with what one unit of each head is worth. */
export interface Quantised {
  readonly weights: Int8Array;
  readonly scales: readonly number[];
}

/** Rounds the first `buckets` weights of each head to 8 bits and interleaves them. */
export function quantise(heads: readonly Float32Array[], buckets: number): Quantised {
  const weights = new Int8Array(buckets * heads.length);
  const scales = heads.map((head, at) => {
    const scale = unitOf(head.subarray(0, buckets));
    for (let bucket = 0; bucket < buckets; bucket++) {
      const units = Math.round((head[bucket] as number) / scale);
      weights[bucket * heads.length + at] = Math.min(127, Math.max(-127, units));
    }
    return scale;
  });
  return { weights, scales };
}

function unitOf(weights: Float32Array): number {
  const largest = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  return largest > 0 ? largest / 127 : 1;
}
