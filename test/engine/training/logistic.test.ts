import { describe, expect, it } from "vitest";
import { fitLogistic, logisticScore } from "../../../services/engine/training/logistic.js";
import { calibrationError } from "../../../services/engine/training/metrics.js";
import { makeNoise } from "../../../services/engine/training/own/noise.js";
import { fitPlatt } from "../../../services/engine/training/platt.js";

const rows = Array.from({ length: 200 }, (_, at) => [at / 100 - 1, (at * 7) % 11]);
const labels = rows.map(([first = 0], at) => Number(first + ((at * 13) % 5) / 10 - 0.2 > 0));

describe("logistic regression", () => {
  it("gives the weight to what decides", () => {
    const { weights } = fitLogistic(rows, labels, 0.1);
    expect(weights[0]).toBeGreaterThan(5);
    expect(Math.abs(weights[1] as number)).toBeLessThan(0.3);
  });

  it("predicts as many as there are, which makes it calibrated in sum", () => {
    const model = fitLogistic(rows, labels, 0.1);
    const predicted = rows.reduce((sum, row) => sum + 1 / (1 + Math.exp(-logisticScore(model, row))), 0);
    expect(predicted).toBeCloseTo(
      labels.reduce((sum, label) => sum + label, 0),
      4,
    );
  });

  it("counts an example as often as its cost says", () => {
    const twice = fitLogistic([...rows, ...rows], [...labels, ...labels], 0.1);
    const costed = fitLogistic(
      rows,
      labels,
      0.1,
      rows.map(() => 2),
    );
    expect(costed.bias).toBeCloseTo(twice.bias, 8);
    expect(costed.weights[0]).toBeCloseTo(twice.weights[0] as number, 8);
  });
});

describe("calibration at another base rate", () => {
  it("moves the probability by the ratio of the odds", () => {
    const scores = rows.map(([first = 0]) => first);
    const plain = fitPlatt(scores, labels);
    const rare = fitPlatt(
      scores,
      labels,
      labels.map((label) => (label === 1 ? 0.1 : 1)),
    );
    expect(rare.offset).toBeLessThan(plain.offset - 1);
  });

  it("has its error measured with the same weights", () => {
    expect(calibrationError([0.1, 0.1], [1, 0], [1, 9])).toBeCloseTo(0);
    expect(calibrationError([0.1, 0.1], [1, 0])).toBeCloseTo(0.4);
  });
});

describe("noise", () => {
  it("is the same for the same seed and another for another", () => {
    expect(makeNoise(3, 5)).toEqual(makeNoise(3, 5));
    expect(makeNoise(3, 5)).not.toEqual(makeNoise(3, 6));
  });
});
