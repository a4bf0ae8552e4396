import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScorer } from "../../../../services/engine/domain/models/linear.js";

const bits = 4;
const heads = 6;

describe("scoring", () => {
  it("adds up the weights of every head, however many features there are", () => {
    const weight = fc.integer({ min: -127, max: 127 });
    const arrays = fc.tuple(
      fc.array(weight, { minLength: heads << (bits + 1), maxLength: heads << (bits + 1) }),
      fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 900 }),
      fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 30 }),
    );
    fc.assert(
      fc.property(arrays, ([weights, words, characters]) => {
        const scales = Array(heads).fill(0.5);
        const biases = Array(heads).fill(1);
        const score = createScorer({ bits, heads, weights: Int8Array.from(weights), scales, biases });
        const into = new Float64Array(heads);
        const range = (list: number[]) => ({ buckets: Uint16Array.from(list), start: 0, end: list.length });
        score({ words: range(words), characters: range(characters) }, into);
        const sum = (list: number[], first: number, head: number) =>
          list.reduce((total, bucket) => total + (weights[(first + bucket) * heads + head] ?? 0), 0) /
          Math.sqrt(Math.max(1, list.length));
        into.forEach((value, head) => {
          expect(value).toBeCloseTo(0.5 * (sum(words, 0, head) + sum(characters, 16, head)) + 1, 8);
        });
      }),
      { numRuns: 30 },
    );
  });
});
