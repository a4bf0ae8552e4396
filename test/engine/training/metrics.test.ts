import { describe, expect, it } from "vitest";
import { parseCsv } from "../../../services/engine/training/csv.js";
import { splitOf } from "../../../services/engine/training/dataset.js";
import { measure } from "../../../services/engine/training/figure.js";
import * as metrics from "../../../services/engine/training/metrics.js";
import { nearDuplicateGroups } from "../../../services/engine/training/near-duplicates.js";
import { readOptions } from "../../../services/engine/training/options.js";
import { fitPlatt } from "../../../services/engine/training/platt.js";
import { createRandom, shuffle } from "../../../services/engine/training/random.js";

describe("metrics", () => {
  const perfect = { positive: [0.9, 0.8], negative: [0.1, 0.2] };

  it("give a perfect ranking 1 and ties a half", () => {
    expect(metrics.auroc(perfect)).toBe(1);
    expect(metrics.averagePrecision(perfect)).toBe(1);
    expect(metrics.auroc({ positive: [0.5], negative: [0.5] })).toBe(0.5);
  });

  it("let no more than the share pass a threshold", () => {
    const scores = Array.from({ length: 1000 }, (_, at) => at / 1000);
    expect(metrics.shareAbove(scores, metrics.thresholdAt(scores, 0.01))).toBeLessThanOrEqual(0.01);
  });

  it("measure calibration, correlation and F1", () => {
    expect(metrics.calibrationError([0.95, 0.95], [1, 1])).toBeCloseTo(0.05);
    expect(metrics.correlation([1, 2, 3], [2, 4, 6])).toBeCloseTo(1);
    expect(metrics.f1([true, true, false], [true, false, true])).toBe(0.5);
  });

  it("come with an interval around the value, the same each time", () => {
    const items = Array.from({ length: 100 }, (_, at) => at % 2);
    const figure = () => measure({ ability: "a", set: "s" }, items, metrics.mean);
    expect(figure()).toEqual(figure());
    expect(figure().low).toBeLessThan(0.5);
    expect(figure().high).toBeGreaterThan(0.5);
  });
});

describe("calibration", () => {
  it("finds the logistic map that made the labels", () => {
    const scores = Array.from({ length: 4000 }, (_, at) => (at % 40) / 10 - 2);
    const random = createRandom(9);
    const labels = scores.map((score) =>
      Number(random(1_000_000) / 1_000_000 < 1 / (1 + Math.exp(-(2 * score - 0.5)))),
    );
    const { slope, offset } = fitPlatt(scores, labels);
    expect(slope).toBeCloseTo(2, 0);
    expect(offset).toBeCloseTo(-0.5, 0);
  });
});

describe("data", () => {
  it("reads quoted fields with commas, quotes and line ends", () => {
    expect(parseCsv('a,b\r\n"x, ""y""\nz",\n')).toEqual([
      ["a", "b"],
      ['x, "y"\nz', ""],
    ]);
  });

  it("keeps a group in one split", () => {
    expect(splitOf("source", "group")).toBe(splitOf("source", "group"));
    const splits = Array.from({ length: 1000 }, (_, at) => splitOf("source", String(at)));
    expect(splits.filter((split) => split === "test").length).toBeGreaterThan(100);
  });

  it("groups variants of a sentence", () => {
    const fillers = Array.from({ length: 60 }, (_, at) => `filler${at} word${at} other${at}`);
    const groups = nearDuplicateGroups(["walk the brown dog tonight", "walk the brown dog now", ...fillers]);
    expect(groups[0]).toBe(groups[1]);
    expect(groups[2]).not.toBe(groups[3]);
  });

  it("shuffles without losing anything, the same for the same seed", () => {
    const list = () => shuffle([1, 2, 3, 4, 5], createRandom(3));
    expect(list()).toEqual(list());
    expect([...list()].sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it("says what the options lack", () => {
    expect(() => readOptions([], "out")).toThrow(/--data/);
    expect(readOptions(["--data", "d", "--drop", "a", "--drop", "b"], "out").drop).toEqual(
      new Set(["a", "b"]),
    );
  });
});
