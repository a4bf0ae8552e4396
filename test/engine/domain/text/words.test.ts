import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitSentences } from "../../../../services/engine/domain/text/sentences.js";
import { splitWords } from "../../../../services/engine/domain/text/words.js";

const wordsOf = (text: string) => splitWords(text).map((word) => word.text);
const sentencesOf = (text: string) => splitSentences(text).map(({ start, end }) => text.slice(start, end));

describe("words", () => {
  it.each([
    ["don't stop", ["dont", "stop"]],
    ["1gn0re th1s", ["ignore", "this"]],
    ["p@ssw0rd", ["password"]],
    ["i g n o r e it", ["ignore", "it"]],
    ["i-g-n-o-r-e", ["ignore"]],
    ["plan a b", ["plan", "a", "b"]],
    ["c4 and 2024", ["c4", "and", "2024"]],
    ["self-harm", ["self", "harm"]],
  ])("of %j are %j", (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it("carry the number of their sentence", () => {
    expect(splitWords("one two. three! four\n\nfive 3.5").map(({ sentence }) => sentence)).toEqual([
      0, 0, 1, 2, 3, 3, 3,
    ]);
  });

  it("have spans that do not overlap and lie in the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        let last = 0;
        for (const { start, end } of splitWords(text)) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(text.length);
          last = end;
        }
      }),
    );
  });
});

describe("sentences", () => {
  it.each([
    ["One. Two! Three?", ["One.", "Two!", "Three?"]],
    ["It is 3.5 long, e.g. this. Next.", ["It is 3.5 long, e.g. this.", "Next."]],
    ['He said "no." Then left.', ['He said "no."', "Then left."]],
    ["Dr. Who met A. Smith. End", ["Dr. Who met A. Smith.", "End"]],
    ["A line\nthat wraps.\n\nNew one", ["A line\nthat wraps.", "New one"]],
    ["List:\n- one\n- two", ["List:", "- one", "- two"]],
    ["... !", []],
  ])("of %j", (text, sentences) => {
    expect(sentencesOf(text)).toEqual(sentences);
  });

  it("hold every word character of the text exactly once", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "B", ".", "!", " ", "\n", "-", "1", '"') }),
        (text) => {
          const letters = (part: string) => [...part].filter((unit) => /[aB1]/.test(unit)).join("");
          expect(letters(sentencesOf(text).join(""))).toBe(letters(text));
        },
      ),
    );
  });
});
