import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitPassages } from "../../../../services/engine/domain/retrieval/passages.js";
import { stem } from "../../../../services/engine/domain/retrieval/stem.js";
import { contentTerms } from "../../../../services/engine/domain/retrieval/terms.js";

const termsOf = (text: string) => contentTerms(text).map(({ term }) => term);

describe("content terms", () => {
  it.each([
    ["How is confidence computed?", ["confidenc", "comput"]],
    ["The cost is 1,299.50 euros.", ["cost", "1,299.50", "euro"]],
    ["don't O'Neil", ["oneil"]],
    ["ﬁnd Straße", ["find", "straße"]],
    ["[card] and card", ["card"]],
    ["[email] [paper]", ["paper"]],
    ["", []],
  ])("of %j are %j", (text, terms) => {
    expect(termsOf(text)).toEqual(terms);
  });

  it("ends a text with an apostrophe", () => {
    expect(contentTerms("the dogs'").map(({ word }) => word)).toEqual(["dogs"]);
  });

  it("keep words as written, at their place", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        let last = 0;
        for (const { word, start, end } of contentTerms(text)) {
          expect(text.slice(start, end)).toBe(word);
          expect(start).toBeGreaterThanOrEqual(last);
          last = end;
        }
      }),
    );
  });

  it("are the same whatever the case", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z ]*$/), (text) => {
        expect(termsOf(text.toUpperCase())).toEqual(termsOf(text));
      }),
    );
  });
});

describe("stemming", () => {
  it.each([
    ["policies", "policy"],
    ["processes", "process"],
    ["processing", "process"],
    ["planned", "plan"],
    ["telling", "tell"],
    ["verified", "verify"],
    ["analysis", "analysis"],
    ["boxes", "box"],
    ["cats", "cat"],
    ["red", "red"],
    ["sing", "sing"],
    ["compute", "comput"],
  ])("%s gives %s", (word, expected) => {
    expect(stem(word)).toBe(expected);
  });
});

describe("passages", () => {
  it("are what blank lines separate", () => {
    const parts = splitPassages([{ title: "T", text: "one\nline\n\n \n two\r\n\r\nthree " }], "knowledge");
    expect(parts.map(({ text }) => text)).toEqual(["one\nline", "two", "three"]);
  });

  it("are cut at a blank when longer than 4,000 characters, and lose nothing", () => {
    const text = "word ".repeat(2000).trim();
    const parts = splitPassages([{ title: "T", text }], "knowledge");
    expect(parts.map((part) => part.text).join(" ")).toBe(text);
    for (const part of parts) expect(part.text.length).toBeLessThanOrEqual(4000);
    const [long] = splitPassages([{ title: "T", text: "x".repeat(9000) }], "knowledge");
    expect(long?.text.length).toBe(4000);
  });
});
