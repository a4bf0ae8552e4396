import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createIndex,
  inverseDocumentFrequency,
  searchAll,
} from "../../../../services/engine/domain/retrieval/bm25.js";
import type { Passage } from "../../../../services/engine/domain/retrieval/passages.js";
import { termSet } from "../../../../services/engine/domain/retrieval/terms.js";

const passage = (text: string): Passage => ({ title: "", text, source: "knowledge" });
const search = (texts: readonly string[], question: string) => {
  const index = createIndex(texts.map(passage));
  return searchAll([index], termSet(question), inverseDocumentFrequency([index]), 10);
};
const text = fc
  .array(fc.constantFrom("cat", "dog", "bird", "tree", "stone", "the", "runs"), { maxLength: 12 })
  .map((words) => words.join(" "));

describe("BM25", () => {
  it("agrees with the formula worked by hand", () => {
    // N=2, n(cat)=1: idf = ln(1 + 1.5/1.5); lengths 2 and 4, mean 3; tf=2 in the second.
    const [first] = search(["dog bird", "cat cat tree stone"], "cat");
    const expected = (Math.log(2) * 2 * 2.2) / (2 + 1.2 * (0.25 + (0.75 * 4) / 3));
    expect(first?.score).toBeCloseTo(expected, 12);
  });

  it("finds only passages that share a term, the best first, equals in their own order", () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), text, (texts, question) => {
        const found = search(texts, question);
        const wanted = termSet(question);
        for (const [at, { passage, score }] of found.entries()) {
          expect(score).toBeGreaterThan(0);
          expect([...termSet(passage.text)].some((term) => wanted.has(term))).toBe(true);
          expect(score).toBeLessThanOrEqual(found[at - 1]?.score ?? Number.POSITIVE_INFINITY);
        }
        expect(search(texts, question)).toEqual(found);
      }),
    );
  });

  it("keeps the order of equal passages", () => {
    const found = search(["cat one1", "cat two2", "cat three3"], "cat").map(({ passage }) => passage.text);
    expect(found).toEqual(["cat one1", "cat two2", "cat three3"]);
  });

  it("weighs a rare term above a common one and an unknown one above both", () => {
    const idf = inverseDocumentFrequency([createIndex(["cat dog", "cat bird", "cat"].map(passage))]);
    expect(idf("cat")).toBeGreaterThan(0);
    expect(idf("dog")).toBeGreaterThan(idf("cat"));
    expect(idf("stone")).toBeGreaterThan(idf("dog"));
  });

  it("counts several collections as one", () => {
    const together = inverseDocumentFrequency([createIndex([passage("cat"), passage("dog")])]);
    const apart = inverseDocumentFrequency([createIndex([passage("cat")]), createIndex([passage("dog")])]);
    expect(apart("cat")).toBe(together("cat"));
  });
});
