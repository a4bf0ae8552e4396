import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cohensD } from "../../../services/analytics/reports/effect-size.js";
import { median } from "../../../services/analytics/reports/median.js";
import { erfc, twoSided } from "../../../services/analytics/reports/normal.js";
import { differenceOfShares } from "../../../services/analytics/reports/proportions.js";
import { Reliability } from "../../../services/analytics/reports/reliability.js";
import { robustScore } from "../../../services/analytics/reports/robust-score.js";
import { stepAt, trendOf } from "../../../services/analytics/reports/trend.js";

const number = fc.integer({ min: -8000, max: 8000 }).map((eighths) => eighths / 8);
const numbers = (minLength: number) => fc.array(number, { minLength, maxLength: 40 });

/** Simpson's rule over so many steps. */
function integral(f: (x: number) => number, from: number, to: number, steps = 2000): number {
  const h = (to - from) / steps;
  let sum = f(from) + f(to);
  for (let i = 1; i < steps; i += 1) sum += f(from + i * h) * (i % 2 === 1 ? 4 : 2);
  return (sum * h) / 3;
}

describe("the complementary error function", () => {
  it("is what its integral says", () => {
    const direct = (x: number) =>
      (2 / Math.sqrt(Math.PI)) * integral((t) => Math.exp(-t * t), x, x + 12, 20_000);
    for (const x of [0, 0.1, 0.7, 1.5, 1.99, 2, 2.01, 3, 4.5]) expect(erfc(x) / direct(x)).toBeCloseTo(1, 10);
  });

  it("has the values of the tables, also far out and below zero", () => {
    // Abramowitz and Stegun 1964, table 7.1; erfc(10) from table 7.3.
    expect(1 - erfc(0.5)).toBeCloseTo(0.5204998778, 10);
    expect(1 - erfc(1.9)).toBeCloseTo(0.9927904292, 10);
    expect(erfc(10) / 2.088487583762545e-45).toBeCloseTo(1, 10);
    expect(erfc(-1)).toBeCloseTo(2 - erfc(1), 14);
    expect(erfc(40)).toBe(0);
    expect(twoSided(1.959963984540054)).toBeCloseTo(0.05, 12);
  });
});

describe("the two-proportion z-test", () => {
  const share = fc.nat(500).chain((of) => fc.nat(of).map((hits) => ({ hits, of: of + 1 })));

  it("is what its formula says, by direct integration", () => {
    fc.assert(
      fc.property(share, share, (one, other) => {
        const p = (one.hits + other.hits) / (one.of + other.of);
        const error = Math.sqrt(p * (1 - p) * (1 / one.of + 1 / other.of));
        const z = error === 0 ? 0 : Math.abs(one.hits / one.of - other.hits / other.of) / error;
        const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
        expect(differenceOfShares(one, other)).toBeCloseTo(1 - 2 * integral(density, 0, z, 200), 7);
      }),
      { numRuns: 50 },
    );
  });

  it("says nothing of a share of nothing", () => {
    expect(differenceOfShares({ hits: 0, of: 0 }, { hits: 1, of: 2 })).toBeUndefined();
  });

  it("finds the textbook's difference", () => {
    // z = (0.5 − 0.4) / √(0.45 · 0.55 · 2/100) = 1.4213.
    expect(differenceOfShares({ hits: 50, of: 100 }, { hits: 40, of: 100 })).toBeCloseTo(0.1552, 4);
  });
});

describe("Cohen's d", () => {
  const sample = (values: readonly number[]) => {
    const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
    const squares = values.reduce((sum, one) => sum + (one - mean) ** 2, 0);
    return { count: values.length, mean, deviation: Math.sqrt(squares / (values.length - 1)), squares };
  };

  it("is the difference of means in deviations of both", () => {
    fc.assert(
      fc.property(numbers(2), numbers(2), (a, b) => {
        const [one, other] = [sample(a), sample(b)];
        const pooled = Math.sqrt((one.squares + other.squares) / (a.length + b.length - 2));
        fc.pre(pooled > 1e-6);
        const d = cohensD(one, other) ?? Number.NaN;
        expect(d).toBeCloseTo((one.mean - other.mean) / pooled, 6);
      }),
    );
  });

  it("is absent for single values, and where nothing varies but the means differ", () => {
    const steady = { count: 10, mean: 1, deviation: 0 };
    expect(cohensD({ count: 1, mean: 1, deviation: null }, steady)).toBeUndefined();
    expect(cohensD(steady, { ...steady, mean: 2 })).toBeUndefined();
    expect(cohensD(steady, steady)).toBe(0);
  });
});

describe("agreement of confidence with labels", () => {
  const labelled = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), {
    minLength: 1,
  });

  it("is what its definitions say", () => {
    fc.assert(
      fc.property(labelled, (pairs) => {
        const reliability = new Reliability();
        for (const [probability, label] of pairs) reliability.add(probability, label);
        const brier = pairs.reduce((sum, [p, label]) => sum + (p - Number(label)) ** 2, 0) / pairs.length;
        let error = 0;
        for (let bin = 0; bin < 10; bin += 1) {
          const inside = pairs.filter(([p]) => Math.min(9, Math.floor(p * 10)) === bin);
          if (inside.length === 0) continue;
          const mean = inside.reduce((sum, [p]) => sum + p, 0) / inside.length;
          const hits = inside.filter(([, label]) => label).length / inside.length;
          error += (inside.length / pairs.length) * Math.abs(mean - hits);
        }
        const found = reliability.agreement();
        expect(found.labels).toBe(pairs.length);
        expect(found.brier).toBeCloseTo(brier, 10);
        expect(found.calibrationError).toBeCloseTo(error, 10);
      }),
    );
  });
});

describe("the trend by Theil and Sen", () => {
  it("has the median of all slopes, and finds a line exactly", () => {
    fc.assert(
      fc.property(numbers(2), (values) => {
        const slopes = values.flatMap((y, x) => values.slice(x + 1).map((later, n) => (later - y) / (n + 1)));
        const sorted = slopes.sort((a, b) => a - b);
        const middle = ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
        expect(trendOf(values)?.slope).toBeCloseTo(middle, 9);
      }),
    );
    fc.assert(
      fc.property(number, number, (slope, start) => {
        const found = trendOf(Array.from({ length: 12 }, (_, x) => start + slope * x));
        expect(found?.slope).toBeCloseTo(slope, 6);
        expect(found?.start).toBeCloseTo(start, 6);
      }),
    );
  });

  it("does not follow single outliers", () => {
    const values = Array.from({ length: 30 }, (_, x) => 10 + 2 * x);
    values[7] = 5000;
    values[20] = 0;
    expect(trendOf(values)).toEqual({ slope: 2, start: 10 });
  });

  it("says when it reaches a value, if it ever does", () => {
    expect(stepAt({ slope: 2, start: 10 }, 30)).toBe(10);
    expect(stepAt({ slope: 0, start: 10 }, 30)).toBeUndefined();
    expect(stepAt({ slope: -1, start: 10 }, 5)).toBeUndefined();
    expect(trendOf([1])).toBeUndefined();
  });
});

describe("the robust z-score", () => {
  it("is 0.6745 of the distance from the median in median absolute deviations", () => {
    fc.assert(
      fc.property(number, numbers(1), (value, earlier) => {
        const sorted = [...earlier].sort((a, b) => a - b);
        const half = (all: readonly number[]) =>
          ((all[(all.length - 1) >> 1] ?? 0) + (all[all.length >> 1] ?? 0)) / 2;
        const middle = half(sorted);
        const mad = half(earlier.map((one) => Math.abs(one - middle)).sort((a, b) => a - b));
        fc.pre(mad > 1e-6);
        const found = robustScore(value, earlier, () => 0);
        expect(found.median).toBeCloseTo(middle, 9);
        expect(found.score).toBeCloseTo((0.6745 * (value - middle)) / mad, 6);
      }),
    );
  });

  it("counts no spread as less than what chance makes", () => {
    const steady = new Array<number>(30).fill(100);
    expect(robustScore(110, steady, Math.sqrt)).toEqual({ median: 100, score: 1 });
    expect(robustScore(200, steady, Math.sqrt).score).toBe(10);
  });

  it("has the median of nothing as no number", () => {
    expect(median([])).toBeNaN();
    expect(median([3, 1])).toBe(2);
  });
});
