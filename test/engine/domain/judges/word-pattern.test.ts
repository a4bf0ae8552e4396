import { describe, expect, it } from "vitest";
import { compilePattern, matchLength } from "../../../../services/engine/domain/judges/word-pattern.js";
import { splitWords } from "../../../../services/engine/domain/text/words.js";

const sets = { fruit: "apple pear <citrus>", citrus: "lemon lime" };
const length = (pattern: string, text: string) =>
  matchLength(compilePattern(pattern, sets), splitWords(text), 0);

describe("a word pattern", () => {
  it.each([
    ["eat <fruit>", "eat lime", 2],
    ["eat <fruit>|bread", "eat bread", 2],
    ["eat an? <fruit>", "eat an apple", 3],
    ["eat an? <fruit>", "eat apple", 2],
    ["eat ..2 <fruit>", "eat one ripe pear", 4],
    ["eat ..2 <fruit>", "eat one very ripe pear", 0],
    ["eat ..2 <fruit>", "eat it. apple", 0],
    ["eat <fruit> now", "eat apple", 0],
  ])("%s takes of %j %i words", (pattern, text, words) => {
    expect(length(pattern, text)).toBe(words);
  });

  it("refuses to begin with something that may be missing", () => {
    expect(() => compilePattern("..2 apple", sets)).toThrow("no fixed first word");
    expect(() => compilePattern("an? apple", sets)).toThrow("no fixed first word");
  });

  it("refuses an unknown set and more than 30 words", () => {
    expect(() => compilePattern("<nut>", sets)).toThrow("no word set <nut>");
    expect(() => compilePattern("a ..30 b", sets)).toThrow("longer than 30 words");
  });
});
