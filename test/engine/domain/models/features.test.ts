import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FeatureReader, longestText } from "../../../../services/engine/domain/models/features.js";
import { hashText } from "../../../../services/engine/domain/models/hash.js";
import { windowEnds } from "../../../../services/engine/domain/models/windows.js";

const list = ({ buckets, start, end }: { buckets: Uint16Array; start: number; end: number }) => [
  ...buckets.subarray(start, end),
];

describe("features", () => {
  it("reads each word, each pair and each run of characters once", () => {
    const { document } = new FeatureReader().read("go go");
    expect(list(document.words)).toHaveLength(3);
    expect(list(document.words)).toContain(hashText("go") & 0xffff);
    expect(list(document.characters)).toHaveLength(3);
  });

  it("takes digits in a word for the letters they imitate", () => {
    const reader = new FeatureReader();
    expect(list(reader.read("1gn0re").document.words)).toEqual(
      list(new FeatureReader().read("ignore").document.words),
    );
  });

  it("gives the same features to a text read before and after another", () => {
    const reader = new FeatureReader();
    const first = list(reader.read("one sentence. and another one here.").document.characters);
    reader.read("something else entirely! with windows of its own. yes.");
    expect(list(reader.read("one sentence. and another one here.").document.characters)).toEqual(first);
  });

  it("unites the windows in the document", () => {
    const { windows, document } = new FeatureReader().read(
      "the first sentence is here. the second one follows it.",
    );
    expect(windows).toHaveLength(2);
    const all = new Set(windows.flatMap(({ words }) => list(words)));
    expect(new Set(list(document.words))).toEqual(all);
  });

  it("reads the longest text and nothing behind it", () => {
    const reader = new FeatureReader();
    const text = "ab ".repeat(longestText);
    expect(reader.read(text).ends.at(-1)).toBe(longestText);
  });

  it("covers any text with windows, in order", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", " ", ".", "\n", "?"), maxLength: 900 }), (text) => {
        const ends = windowEnds(text);
        expect(ends.at(-1) ?? 0).toBe(text.length);
        expect([...ends].sort((a, b) => a - b)).toEqual(ends);
      }),
    );
  });
});
