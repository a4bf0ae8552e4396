import { describe, expect, it } from "vitest";
import { quantise } from "../../../services/engine/training/quantise.js";
import { documentFrequency, RowBuilder } from "../../../services/engine/training/rows.js";
import { createSpace, solve } from "../../../services/engine/training/solver.js";

const texts = ["red apple pie", "green apple tart", "blue sea water", "cold sea wind"];
const builder = new RowBuilder();
for (const text of texts) builder.add(text);
const rows = builder.build();
const chosen = Int32Array.of(0, 1, 2, 3);
const base = {
  rows,
  bits: 10,
  chosen,
  targets: Float64Array.of(1, 1, -1, -1),
  costs: new Float64Array(4).fill(1),
  squares: new Float32Array(2 << 10).fill(1),
  epochs: 20,
  seed: 5,
} as const;

const scoreOf = (weights: Float32Array, bias: number) => {
  const space = createSpace({ ...base, squares: weights });
  space.weights.set(weights);
  return (row: number) => space.dot(row) + bias;
};

describe("the solver", () => {
  it("separates two kinds of text", () => {
    const { weights, bias } = solve({ ...base, kind: "classify" });
    const score = scoreOf(weights, bias);
    expect([0, 1, 2, 3].map((row) => score(row) > 0)).toEqual([true, true, false, false]);
  });

  it("gives the same bytes for the same seed", () => {
    const first = solve({ ...base, kind: "classify" });
    expect(solve({ ...base, kind: "classify" })).toEqual(first);
  });

  it("learns numbers", () => {
    const { weights, bias } = solve({
      ...base,
      kind: "regress",
      targets: Float64Array.of(0.8, 0.6, -0.4, -0.7),
      costs: base.costs.map(() => 100),
    });
    const score = scoreOf(weights, bias);
    expect(score(0)).toBeCloseTo(0.8, 1);
    expect(score(3)).toBeCloseTo(-0.7, 1);
  });

  it("learns an order from pairs", () => {
    const { weights } = solve({
      ...base,
      kind: "rank",
      chosen: Int32Array.of(0, 1),
      rivals: Int32Array.of(2, 3),
      targets: Float64Array.of(1, 1),
    });
    const score = scoreOf(weights, 0);
    expect(score(0)).toBeGreaterThan(score(2));
  });

  it("counts a word once for each text that has it", () => {
    const frequency = documentFrequency(rows, chosen, 16);
    expect(frequency.reduce((most, seen) => Math.max(most, seen), 0)).toBe(2);
  });
});

describe("rounding to 8 bits", () => {
  it("keeps each weight to half a unit, heads side by side", () => {
    const heads = [Float32Array.of(0.5, -1, 0), Float32Array.of(2, 4, -4)];
    const { weights, scales } = quantise(heads, 3);
    heads.forEach((head, at) => {
      head.forEach((weight, bucket) => {
        const scale = scales[at] ?? 0;
        expect(Math.abs((weights[bucket * 2 + at] ?? 0) * scale - weight)).toBeLessThanOrEqual(
          scale / 2 + 1e-9,
        );
      });
    });
  });
});
