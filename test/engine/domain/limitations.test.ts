import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { limitationsFrom } from "../../../services/engine/domain/limitations.js";
import { weightsFolder } from "../../../services/engine/domain/models/load.js";
import { loadModelCard, parseModelCard } from "../../../services/engine/domain/models/model-card.js";
import { shippedModelCard, shippedTextModel } from "../../../services/engine/domain/models/shipped.js";

const text = readFileSync(join(weightsFolder(), "MODEL_CARD.md"), "utf8");
const { version } = shippedTextModel();
const limitations = limitationsFrom(shippedModelCard());
const figures = limitations.flatMap((one) => one.figures);

/** A number as the card shows it, so that a line can be looked up in its text. */
const shown = (value: number) =>
  value !== 0 && Math.abs(value) < 0.01 ? value.toFixed(4) : value.toFixed(3);

describe("limitations", () => {
  it("have the figures of the card that is shipped with the weights, line by line", () => {
    expect(figures.length).toBeGreaterThan(20);
    for (const { ability, measuredOn, items, value, low, high, goal } of figures) {
      const interval = `${shown(low)}–${shown(high)}`;
      const line = `| ${ability} | ${measuredOn} | ${items} | ${shown(value)} | ${interval} | ${goal} |`;
      expect(text).toContain(line.replace("|  |", "| |"));
    }
  });

  it("say nothing in figures of their own", () => {
    for (const { description } of limitations) expect(description).not.toMatch(/\d/);
  });

  it("state a goal that was missed beside the value", () => {
    const blocked = figures.find(({ ability }) => ability === "verdict BLOCKED, harmful requests");
    expect(blocked?.goal).not.toBe("");
    expect(blocked?.value).toBeLessThan(Number(blocked?.goal));
  });

  it("cannot name a figure that the card lacks", () => {
    expect(() => limitationsFrom({ figures: [] })).toThrow(/the model card has no figure for/);
  });
});

describe("the model card", () => {
  it("is read as a whole: every line of its tables", () => {
    const lines = text.slice(text.indexOf("### Goals")).split("\n");
    const rows = lines.filter((line) => /^\| .*\d+ \| -?\d/.test(line));
    expect(parseModelCard(text).figures).toHaveLength(rows.length);
  });

  it("is refused beside weights of another version", () => {
    expect(loadModelCard(version).version).toBe(version);
    expect(() => loadModelCard("1999.1.1")).toThrow(
      /the model card is of version .*, the weights are of 1999/,
    );
  });

  it.each([
    ["has no version", "# Something", /no version/],
    ["has no figures", "# Model card, version 1\n", /no figures/],
    [
      "has a line that is no figure",
      "# Model card, version 1\n| ability | measured on | items | value | 95 % interval | goal |\n|---|\n| a | b | many | 1 | 0–1 | |",
      /is no figure/,
    ],
    [
      "lacks a column",
      "# Model card, version 1\n| ability | measured on | items | value | 95 % interval | goal |\n|---|\n| a | b | 1 | 1 | 0–1 |",
      /is no figure/,
    ],
  ])("is refused when it %s", (_, card, why) => {
    expect(() => parseModelCard(card)).toThrow(why);
  });
});
