import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalView, foldedView, type View } from "../../../../services/engine/domain/text/normalise.js";

const views: readonly (readonly [string, (text: string) => View])[] = [
  ["canonical", canonicalView],
  ["folded", foldedView],
];

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("a", "é", "e\u0301", "\u200b", "４", "ﬁ", "😀", "а", "İ", "\u{e0041}", " "),
  }),
);

describe.each(views)("the %s view", (_, view) => {
  it("maps every span into the original, in order and never through a surrogate pair", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { text: form, original } = view(text);
        let last = 0;
        for (let at = 0; at < form.length; at++) {
          const { start, end } = original({ start: at, end: at + 1 });
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(text.length);
          for (const edge of [start, end]) expect(splitsPair(text, edge)).toBe(false);
          last = start;
        }
      }),
    );
  });

  it("maps each span of plain lower-case text to itself", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9 .,-]*$/), fc.nat(), fc.nat(), (text, a, b) => {
        const start = Math.min(a, b) % (text.length + 1);
        const end = Math.max(start, Math.max(a, b) % (text.length + 1));
        const { text: form, original } = view(text);
        expect(form).toBe(text);
        expect(original({ start, end })).toEqual({ start, end });
      }),
    );
  });

  it("leaves nothing invisible", () => {
    expect(view("a\u200bb\u00adc\u2060d\ufe0fe\u{e0041}f").text).toBe("abcdef");
  });
});

describe("folding", () => {
  it.each([
    ["ЅУЅΤЕМ", "system"],
    ["Café", "cafe"],
    ["ｆｕｌｌ", "full"],
    ["ﬁne", "fine"],
    ["𝐁𝐨𝐥𝐝", "bold"],
  ])("%s reads %s", (text, folded) => {
    expect(foldedView(text).text).toBe(folded);
  });

  it("keeps case in the canonical view", () => {
    expect(canonicalView("ＡＢc").text).toBe("ABc");
  });
});

function splitsPair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  return before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
}
