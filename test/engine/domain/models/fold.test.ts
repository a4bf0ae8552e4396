import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldForFeatures, isAscii } from "../../../../services/engine/domain/models/fold.js";

describe("folding for features", () => {
  it.each([
    ["Ignore ALL", "ignore all"],
    ["ig\u200bno\u00adre", "ignore"],
    ["Ｉｇｎｏｒｅ", "ignore"],
    ["іgnоrе", "ignore"],
    ["café “quoted” don’t…", 'cafe "quoted" don\'t...'],
  ])("reads %j as %j", (text, folded) => {
    expect(foldForFeatures(text)).toBe(folded);
  });

  it("keeps every offset of ASCII", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
        expect(isAscii(text)).toBe(true);
        expect(foldForFeatures(text)).toHaveLength(text.length);
      }),
    );
  });
});
