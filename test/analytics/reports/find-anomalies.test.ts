import { describe, expect, it } from "vitest";
import { findAnomalies, type WindowFigures } from "../../../services/analytics/reports/find-anomalies.js";

/** So many decisions, a share of which was blocked. */
function figures(decisions: number, { p95Ms = 100, blocked = 0.1 } = {}): WindowFigures {
  const count = Math.round(decisions * blocked);
  return { decisions, p95Ms, verdicts: { allowed: decisions - count, ...(count > 0 && { blocked: count }) } };
}

/** A past that varies a little. */
const past = Array.from({ length: 70 }, (_, n) =>
  figures(1000 + (n % 7) * 10, { p95Ms: 100 + (n % 5), blocked: 0.1 + (n % 3) / 100 }),
);
const kinds = (now: WindowFigures, earlier = past) =>
  findAnomalies(now, earlier).map(({ kind, verdict, score }) => [kind, verdict, Math.sign(score)]);

describe("five minutes beside earlier ones", () => {
  it("are ordinary when they are like them", () => {
    expect(kinds(figures(1040, { p95Ms: 103, blocked: 0.11 }))).toEqual([]);
  });

  it.each([
    [figures(2000), [["rate", "", 1]]],
    [figures(100, { blocked: 0.11 }), [["rate", "", -1]]],
    [figures(0), [["rate", "", -1]]],
    [figures(1030, { p95Ms: 200 }), [["latency", "", 1]]],
    [
      figures(1030, { blocked: 0.4 }),
      [
        ["verdicts", "allowed", -1],
        ["verdicts", "blocked", 1],
      ],
    ],
    [
      figures(1030, { blocked: 0 }),
      [
        ["verdicts", "allowed", 1],
        ["verdicts", "blocked", -1],
      ],
    ],
  ])("show what is out of the ordinary: %j", (now, expected) => {
    expect(kinds(now)).toEqual(expected);
  });

  it("tell a verdict that never was before from a single one", () => {
    const never = new Array<WindowFigures>(30).fill(figures(1000, { blocked: 0 }));
    expect(kinds(figures(1000, { blocked: 0.001 }), never)).toEqual([]);
    expect(kinds(figures(1000, { blocked: 0.05 }), never)).toEqual([
      ["verdicts", "allowed", -1],
      ["verdicts", "blocked", 1],
    ]);
  });

  it("are compared with nothing before there are enough of them", () => {
    expect(kinds(figures(5000, { p95Ms: 900, blocked: 0.9 }), past.slice(0, 19))).toEqual([]);
    expect(kinds(figures(5000), past.slice(0, 20))).toEqual([["rate", "", 1]]);
  });

  it("with few decisions are compared by their number alone", () => {
    const quiet = new Array<WindowFigures>(30).fill(figures(10));
    expect(kinds(figures(12, { p95Ms: 5000, blocked: 1 }), quiet)).toEqual([]);
    expect(kinds(figures(40, { p95Ms: 5000, blocked: 1 }), quiet)).toEqual([["rate", "", 1]]);
  });
});
