import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shippedTagger } from "../../../../services/engine/domain/models/shipped.js";

const tag = shippedTagger();
const found = (text: string) => tag(text).map(({ tag: kind, start, end }) => [kind, text.slice(start, end)]);

describe("names and addresses, by best effort", () => {
  it("are found where a text names them", () => {
    expect(found("My name is Katarina Lindholm and I lost my card.")).toContainEqual([
      "name",
      "Katarina Lindholm",
    ]);
    const [address] = found("Please send it to 482 Maple Street, Apt. 12").filter(
      ([kind]) => kind === "address",
    );
    expect(address?.[1]).toContain("Maple Street");
  });

  it.each(["How do I bake bread?", "thanks, see you later", "the weather is nice today"])(
    "are not seen in %j",
    (text) => {
      expect(found(text)).toEqual([]);
    },
  );

  it("lie in the text, in order by kind, each with a probability", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        for (const { start, end, probability } of tag(text)) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeGreaterThan(start);
          expect(end).toBeLessThanOrEqual(text.length);
          expect(probability).toBeGreaterThan(0);
          expect(probability).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
