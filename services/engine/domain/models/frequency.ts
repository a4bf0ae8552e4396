import { hashText } from "./hash.js";

/** Bits of a bucket of a table of frequencies. */
const frequencyBits = 15;
const mask = (1 << frequencyBits) - 1;
/** Steps of the stored logarithm to base 2. */
const stepsPerBit = 12;
/** Bits that a term weighs of which no text holds one. */
const unseenBits = 16;

/** In how many ordinary texts the terms of a bucket occur, as a rounded logarithm. */
export type FrequencyTable = Uint8Array;

/** Makes a table from the sets of terms of texts. */
export function createFrequencyTable(texts: readonly ReadonlySet<string>[]): FrequencyTable {
  const counts = new Uint32Array(1 << frequencyBits);
  for (const terms of texts)
    for (const term of terms) {
      const bucket = hashText(term) & mask;
      counts[bucket] = (counts[bucket] as number) + 1;
    }
  return Uint8Array.from(counts, (count) => Math.min(255, Math.round(stepsPerBit * Math.log2(1 + count))));
}

/** How much a term says, in bits: many when few texts hold it. At least 1. */
export function inverseFrequencyOf(table: FrequencyTable, term: string): number {
  return Math.max(1, unseenBits - (table[hashText(term) & mask] as number) / stepsPerBit);
}
