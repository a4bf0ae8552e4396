import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recalibrate, recalibrated } from "../../../../services/engine/domain/calibration/recalibrate.js";
import { type Labelled, reliabilityOf } from "../../../../services/engine/domain/calibration/reliability.js";

const enough = { ofEachKind: 10 };

/** Labels as often supported as `truth` says of each probability; the same ones each time. */
function labels(count: number, truth: (probability: number) => number): Labelled[] {
  let state = 1;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return Array.from({ length: count }, () => {
    const probability = random();
    return { probability, supported: random() < truth(probability) ? 1 : 0 };
  });
}

const same = (probability: number) => probability;
/** As a model that is far too sure of itself. */
const overconfident = (probability: number) => 0.3 + 0.4 * probability;

describe("reliability", () => {
  it("is that of a computation by hand", () => {
    const labelled = [
      { probability: 0.9, supported: 1 },
      { probability: 0.92, supported: 0 },
      { probability: 0.1, supported: 0 },
      { probability: 1, supported: 1 },
    ];
    const reliability = reliabilityOf(labelled);
    expect(reliability?.brierScore).toBeCloseTo((0.01 + 0.8464 + 0.01 + 0) / 4);
    expect(reliability?.bins.map(({ lower, count }) => [lower, count])).toEqual([
      [0.1, 1],
      [0.9, 3],
    ]);
    const gap = Math.abs((0.9 + 0.92 + 1) / 3 - 2 / 3);
    expect(reliability?.expectedCalibrationError).toBeCloseTo((0.1 + 3 * gap) / 4);
  });

  it("is unknown without labels", () => {
    expect(reliabilityOf([])).toBeUndefined();
  });

  it("puts each label into exactly one bin, and stays between 0 and 1", () => {
    const labelled = fc.array(
      fc.record({
        probability: fc.double({ min: 0, max: 1, noNaN: true }),
        supported: fc.constantFrom(0, 0.5, 1),
      }),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(labelled, (given) => {
        const { bins, brierScore, expectedCalibrationError } = reliabilityOf(given) ?? { bins: [] };
        expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(given.length);
        for (const figure of [brierScore, expectedCalibrationError]) {
          expect(figure).toBeGreaterThanOrEqual(0);
          expect(figure).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe("recalibration", () => {
  it("waits for enough labels of each kind, and for enough in all", () => {
    const kinds = (supported: number, unsupported: number) => [
      ...Array.from({ length: supported }, () => ({ probability: 0.7, supported: 1 })),
      ...Array.from({ length: unsupported }, () => ({ probability: 0.3, supported: 0 })),
    ];
    expect(recalibrate(kinds(41, 9), enough)).toBeUndefined();
    expect(recalibrate(kinds(9, 41), enough)).toBeUndefined();
    expect(recalibrate(kinds(24, 25), enough)).toBeUndefined();
    expect(recalibrate(kinds(40, 10), enough)).toBeDefined();
  });

  it("leaves a probability that is right nearly as it is", () => {
    const fitted = recalibrate(labels(4_000, same), enough);
    expect(fitted?.calibration.slope).toBeCloseTo(1, 0.5);
    for (const p of [0.1, 0.5, 0.9]) expect(recalibrated(p, fitted!.calibration)).toBeCloseTo(p, 1);
  });

  it("takes back the confidence of a model that is too sure, on labels that it was not fitted to", () => {
    const labelled = labels(600, overconfident);
    const before = reliabilityOf(labelled);
    const fitted = recalibrate(labelled, enough);
    expect(fitted?.calibration.slope).toBeLessThan(0.7);
    expect(fitted?.reliability.brierScore).toBeLessThan(before?.brierScore ?? 0);
    expect(fitted?.reliability.expectedCalibrationError).toBeLessThan(
      (before?.expectedCalibrationError ?? 0) / 2,
    );
  });

  it("keeps the order of answers and stays a probability, whatever the labels say", () => {
    const labelled = fc.array(
      fc.record({
        probability: fc.double({ min: 0, max: 1, noNaN: true }),
        supported: fc.constantFrom(0, 1),
      }),
      { minLength: 50, maxLength: 120 },
    );
    fc.assert(
      fc.property(labelled, (given) => {
        const fitted = recalibrate(given, enough);
        fc.pre(fitted !== undefined);
        const after = [0.01, 0.2, 0.5, 0.8, 0.99].map((p) => recalibrated(p, fitted!.calibration));
        expect(after).toEqual([...after].sort((a, b) => a - b));
        expect(new Set(after).size).toBe(after.length);
        for (const p of after) expect(p > 0 && p < 1).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
