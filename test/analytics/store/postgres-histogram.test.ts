import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  binOf,
  elementOf,
  gamma,
  leastMagnitude,
} from "../../../services/analytics/store/postgres/histogram.js";

const value = fc.double({ min: leastMagnitude, max: 1e15, noNaN: true });

/** What the bin says of its values, worked out from those that are in it. */
function estimate(bin: number): number {
  const exponent = bin - binOf(1);
  return (2 * gamma ** exponent) / (gamma + 1);
}

describe("the histogram's bins", () => {
  it("tell every value to within 1 % of it", () => {
    fc.assert(
      fc.property(value, (x) => {
        expect(Math.abs(estimate(binOf(x)) - x)).toBeLessThanOrEqual(0.01 * x);
      }),
    );
  });

  it("are in the order of values, negative ones mirrored", () => {
    const any = fc.double({ min: -1e15, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(Math.sign(binOf(a) - binOf(b)) * Math.sign(a - b)).toBeGreaterThanOrEqual(0);
        expect(binOf(-a)).toBeCloseTo(-binOf(a));
      }),
    );
  });

  it("are few for what takes from a microsecond to an hour", () => {
    expect(binOf(3_600_000) - binOf(0.001)).toBeLessThan(1200);
    expect(binOf(Number.MAX_VALUE)).toBeLessThan(37_000);
  });

  it("go into one exact number with their count", () => {
    const counts = fc.integer({ min: 1, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(fc.integer({ min: -37_000, max: 37_000 }), counts, (bin, count) => {
        const element = BigInt(elementOf(bin, count));
        expect(Number(element >> 32n)).toBe(bin);
        expect(Number(element & 0xffff_ffffn)).toBe(count);
      }),
    );
  });
});
