import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatTag,
  isNamedBy,
  parseTagCondition,
  type TagCondition,
} from "../../../services/gateway/transcode/entity-tag.js";

describe("a condition on entity tags", () => {
  const malformed = ["", ",", "a", '"a', 'w/"a"', 'W/ "a"', '"a" "b"', '"a"b', '"a b"', '*, "a"', '"Ā"'];
  it.each<readonly [string, TagCondition]>([
    ["*", { kind: "any" }],
    [" * ", { kind: "any" }],
    ['"a"', { kind: "tags", tags: [{ opaque: "a", weak: false }] }],
    ['W/"a"', { kind: "tags", tags: [{ opaque: "a", weak: true }] }],
    ['""', { kind: "tags", tags: [{ opaque: "", weak: false }] }],
    [
      ' , "a,b" ,, W/"c" , ',
      {
        kind: "tags",
        tags: [
          { opaque: "a,b", weak: false },
          { opaque: "c", weak: true },
        ],
      },
    ],
    ['"ÿ"', { kind: "tags", tags: [{ opaque: "ÿ", weak: false }] }],
    ...malformed.map((value) => [value, { kind: "malformed" }] as const),
  ])("reads %j", (value, condition) => {
    expect(parseTagCondition(value)).toEqual(condition);
  });

  it("reads every list of tags that can be written", () => {
    const character = fc
      .integer({ min: 0x21, max: 0xff })
      .filter((code) => code !== 0x22 && code !== 0x7f)
      .map((code) => String.fromCharCode(code));
    const tag = fc.record({
      opaque: fc.string({ unit: character }),
      weak: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1 }), fc.constantFrom(",", ", ", " ,\t,"), (tags, comma) => {
        const value = tags.map(({ opaque, weak }) => `${weak ? "W/" : ""}"${opaque}"`).join(comma);
        expect(parseTagCondition(value)).toEqual({ kind: "tags", tags });
        for (const { opaque } of tags) expect(isNamedBy(value, `"${opaque}"`)).toBe(true);
      }),
    );
  });

  it("is told from any other text without failing, in time that grows with its length", () => {
    fc.assert(fc.property(fc.string(), (value) => void parseTagCondition(value)));
    expect(parseTagCondition('"'.repeat(100_000)).kind).toBe("malformed");
    expect(parseTagCondition(`${",".repeat(100_000)}"`).kind).toBe("malformed");
  });

  it("names a representation by weak comparison, and none when malformed", () => {
    expect(isNamedBy('W/"a"', '"a"')).toBe(true);
    expect(isNamedBy('"b", "a"', 'W/"a"')).toBe(true);
    expect(isNamedBy("*", '"a"')).toBe(true);
    expect(isNamedBy('"b"', '"a"')).toBe(false);
    expect(isNamedBy("a", '"a"')).toBe(false);
  });

  it("writes tags of what may stand in one alone", () => {
    expect(formatTag("abc")).toBe('"abc"');
    for (const text of ["", 'a"b', "a b", "\n", "Ā"]) expect(formatTag(text)).toBeUndefined();
  });
});
