import { describe, expect, it } from "vitest";
import { FrameBudget } from "../../../../services/kit/peers/framing/frame-budget.js";

function budgetOf() {
  let now = 5_000;
  const budget = new FrameBudget(() => now);
  /** How many frames without use it bears, at most as many as asked. */
  const bears = (frames: number) => {
    let borne = 0;
    while (borne < frames && budget.spend()) borne += 1;
    return borne;
  };
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  return { budget, bears, pass };
}

describe("frames without use", () => {
  it("are borne up to a number", () => {
    expect(budgetOf().bears(5_000)).toBe(1_000);
  });

  it("are borne for ever where answers come along", () => {
    const { budget, bears } = budgetOf();
    for (let i = 0; i < 1_000; i += 1) {
      expect(bears(10)).toBe(10);
      budget.earn();
    }
  });

  it("are borne for ever where they are seldom, and after silence no more than at first", () => {
    const { bears, pass } = budgetOf();
    for (let i = 0; i < 5_000; i += 1) {
      expect(bears(1)).toBe(1);
      pass(10);
    }
    pass(3_600_000);
    expect(bears(5_000)).toBeLessThanOrEqual(2_000);
  });
});
