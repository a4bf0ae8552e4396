import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { containment, novelty, sketchOf, sketchSize } from "../../../services/engine/domain/novelty.js";

const answer = "Returns are accepted within thirty days of delivery.";
const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => `w${at + from}`).join(" ");

describe("novelty", () => {
  it("is 1 for an answer that shares nothing and repeats nothing", () => {
    expect(novelty(answer, [sketchOf("Shipping to Norway takes four days.")])).toBe(1);
    expect(novelty(answer, [])).toBe(1);
  });

  it("is 0 for what another text says word for word, signs and case aside", () => {
    const knowledge = `Bring the receipt. ${answer.toUpperCase().replace("WITHIN", "within,")} Thank you.`;
    expect(novelty(answer, [sketchOf("Something else is here."), sketchOf(knowledge)])).toBe(0);
  });

  it("takes away the share of word triples that the most similar text has", () => {
    // Of the triples abc bcd cde def, two are known to one text and one to another.
    expect(novelty("a b c d e f", [sketchOf("a b c d"), sketchOf("d e f")])).toBe(0.5);
  });

  it("is lowered by repetition: the share of distinct word pairs", () => {
    // ab bc ca ab bc: three of five.
    expect(novelty("a b c a b c", [])).toBeCloseTo(0.6, 12);
  });

  it.each(["", "Yes.", "Yes, indeed."])("is absent for %j, too short to compare", (text) => {
    expect(novelty(text, [])).toBeUndefined();
  });

  it("tells scripts without blanks by their signs", () => {
    const known = sketchOf("返品は三十日以内です");
    expect(novelty("返品は三十日以内です", [known])).toBe(0);
    expect(novelty("配送には四日かかります", [known])).toBe(1);
  });

  it("lies within 0..1 and is the same each time, whatever the texts", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.array(fc.string({ unit: "grapheme" })),
        (text, others) => {
          const value = novelty(
            text,
            others.map((other) => sketchOf(other)),
          );
          expect(value).toBe(
            novelty(
              text,
              others.map((other) => sketchOf(other)),
            ),
          );
          if (value === undefined) return;
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe("sketches", () => {
  it("hold a bounded number of hashes and still tell what is contained", () => {
    const whole = sketchOf(numbered(5_000));
    expect(whole).toHaveLength(sketchSize);
    expect(containment(sketchOf(numbered(2_000, 1_000)), whole)).toBe(1);
    expect(containment(sketchOf(numbered(2_000, 9_000)), whole)).toBe(0);
    // Half of it: 256 and more triples are compared, so the standard error is about 0.03.
    expect(containment(sketchOf(numbered(2_000, 4_000)), whole)).toBeCloseTo(0.5, 1);
  });
});
