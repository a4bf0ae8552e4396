import { describe, expect, it } from "vitest";
import { readClauses, splitClauses } from "../../../../services/engine/domain/models/clauses.js";
import { hashText } from "../../../../services/engine/domain/models/hash.js";
import { lexiconFeatures, readLexicon } from "../../../../services/engine/domain/models/lexicon.js";

const words = [
  [hashText("good"), 190],
  [hashText("awful"), -200],
].sort(([a = 0], [b = 0]) => a - b);
const lexicon = {
  hashes: Uint32Array.from(words, ([hash = 0]) => hash),
  hundredths: Int16Array.from(words, ([, valence = 0]) => valence),
};

function describeText(text: string): Record<string, number> {
  const numbers = new Float64Array(lexiconFeatures.length);
  readLexicon(text, lexicon, numbers);
  return Object.fromEntries(lexiconFeatures.map((name, at) => [name, numbers[at] ?? 0]));
}

describe("the valence lexicon", () => {
  it("adds up pleasant and unpleasant words", () => {
    expect(describeText("a good day").sum).toBeGreaterThan(0.3);
    expect(describeText("an awful day").sum).toBeLessThan(-0.3);
    expect(describeText("a day").sum).toBe(0);
  });

  it("turns a word behind a negation round, and no further than three words", () => {
    expect(describeText("it is not good").sum).toBeLessThan(0);
    expect(describeText("not that it ever was good").sum).toBeGreaterThan(0);
  });
});

describe("clauses", () => {
  it.each([
    ["i deserve a raise because i work hard", ["i deserve a raise", " because i work hard"]],
    ["could you walk the dog? no, it is raining", ["could you walk the dog?", " no, it is raining"]],
    ["nothing to split", undefined],
  ])("splits %j", (text, clauses) => {
    expect(splitClauses(text)).toEqual(clauses);
  });

  it("pairs every word of one clause with every word of the other", () => {
    expect(readClauses("a b because c")).toHaveLength(4);
    expect(readClauses("no clauses here")).toHaveLength(0);
  });
});
