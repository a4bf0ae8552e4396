import { describe, expect, it } from "vitest";
import { shippedSupportModel } from "../../../../services/engine/domain/models/shipped.js";

const shop =
  "Returns are accepted within 30 days of delivery. Refunds go to the card that paid. The shop in Graz opens at nine.";
const moon = "The moon goes round the Earth in about four weeks. Its light is that of the sun.";
const read = (text: string, question?: string, passages: readonly string[] = [shop, moon]) =>
  shippedSupportModel()({ text, question }, passages);
const confidence = (...args: Parameters<typeof read>) => read(...args)?.confidence ?? Number.NaN;

describe("the probability of support", () => {
  const question = "When are returns accepted?";

  it("is high for what a passage says, and low for what none says", () => {
    expect(confidence("Returns are accepted within 30 days of delivery.", question)).toBeGreaterThan(0.6);
    expect(confidence("The moon goes round the Earth.", question)).toBeLessThan(0.4);
    const wrong = read("Because of heavy snow in Oslo.", question);
    expect(wrong?.confidence).toBeLessThan(Math.min(0.1, wrong?.abstainBelow ?? 0));
  });

  it("falls when a number is not that of the passage", () => {
    const right = confidence("Returns are accepted within 30 days of delivery.", question);
    expect(confidence("Returns are accepted within 90 days of delivery.", question)).toBeLessThan(
      right - 0.2,
    );
  });

  it("is that of the weakest sentence where there are several", () => {
    const whole = "Returns are accepted within 30 days of delivery. The mayor of Oslo likes jazz.";
    expect(confidence(whole, question)).toBeLessThan(0.3);
  });

  it("judges a bare yes by the question", () => {
    const yes = confidence("Yes.", "does the shop in Graz open at nine");
    expect(yes).toBeGreaterThan(confidence("Yes.", "does the volcano in Iceland sleep in winter"));
  });

  it("judges a statement without a question", () => {
    expect(confidence("Refunds go to the card that paid.")).toBeGreaterThan(
      confidence("Refunds are paid in gold coins at the harbour of Lisbon."),
    );
  });

  it("is unknown without a passage or without words", () => {
    expect(read("It opens at nine.", question, [])).toBeUndefined();
    expect(read("", "")).toBeUndefined();
  });

  it("takes long passages and answers within its limits", () => {
    expect(confidence("word. ".repeat(5000), question, ["text ".repeat(20_000)])).toBeLessThanOrEqual(1);
  });
});
