import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Group, QueryPlan, Selection } from "../../../services/analytics/store/port.js";
import { coverOf } from "../../../services/analytics/store/postgres/cover.js";
import type { Dimension } from "../../../services/analytics/store/terms.js";
import { allOf, bucket, by, planOf } from "./plans.js";

const count = [{ name: "n", kind: "count" }] as const;

const time = (text: string) => new Date(`2026-${text}Z`);

function plan(
  from: string,
  until: string,
  groups: readonly Group[] = [],
  more: Partial<Selection> = {},
): QueryPlan {
  return planOf({ ...allOf("t"), from: time(from), until: time(until), ...more }, groups, count);
}

/** Such as `day 03-02T00:00 03-04T00:00`; decisions are `rows`. */
function shown(pieces: ReturnType<typeof coverOf>): string[] | undefined {
  const at = (ms: number) => new Date(ms).toISOString().slice(5, 16);
  return pieces?.map(
    ({ rollup, fromMs, untilMs }) =>
      `${rollup?.table.slice("rollup_".length) ?? "rows"} ${at(fromMs)} ${at(untilMs)}`,
  );
}

describe("a plan's time", () => {
  it("is cut into days, the hours and minutes around them, and decisions at the ends", () => {
    expect(shown(coverOf(plan("03-01T22:58:30", "03-04T01:01:30")))).toEqual([
      "rows 03-01T22:58 03-01T22:59",
      "minute 03-01T22:59 03-01T23:00",
      "hour 03-01T23:00 03-02T00:00",
      "day 03-02T00:00 03-04T00:00",
      "hour 03-04T00:00 03-04T01:00",
      "minute 03-04T01:00 03-04T01:01",
      "rows 03-04T01:01 03-04T01:01",
    ]);
  });

  it("goes to decisions where no whole minute is in it", () => {
    expect(coverOf(plan("03-01T10:00:01", "03-01T10:01:59"))).toBeUndefined();
  });

  it("goes to days only where buckets begin with them", () => {
    const table = (group: Group) => shown(coverOf(plan("03-02T00:00:00", "03-04T00:00:00", [group])))?.join();
    expect(table(bucket("week", "UTC"))).toBe("day 03-02T00:00 03-04T00:00");
    expect(table(bucket("day", "Europe/Vienna"))).toBe("hour 03-02T00:00 03-04T00:00");
    expect(table(bucket("day", "Asia/Kathmandu"))).toBe("minute 03-02T00:00 03-04T00:00");
    expect(table(bucket("hour", "UTC"))).toBe("hour 03-02T00:00 03-04T00:00");
    expect(table(bucket("minute", "UTC"))).toBe("minute 03-02T00:00 03-04T00:00");
  });

  it("goes to minutes only where tenant and verdict are all that is told apart", () => {
    const cut = (dimension: Dimension) =>
      shown(coverOf(plan("03-01T22:59:00", "03-02T00:00:00", [by(dimension)])));
    expect(cut("verdict")).toEqual(["minute 03-01T22:59 03-01T23:00", "hour 03-01T23:00 03-02T00:00"]);
    expect(cut("agent")).toEqual(["rows 03-01T22:59 03-01T23:00", "hour_by_agent 03-01T23:00 03-02T00:00"]);
  });

  it("goes to decisions for what rollups do not tell apart", () => {
    const days = ["03-02T00:00:00", "03-04T00:00:00"] as const;
    for (const dimension of ["user", "rule", "framework", "label"] as const) {
      expect(coverOf(plan(...days, [by(dimension)]))).toBeUndefined();
      const distinct = [{ name: "n", kind: "distinct", dimension }] as const;
      expect(coverOf({ ...plan(...days), aggregates: distinct })).toBeUndefined();
    }
    const range = { metric: { kind: "figure", figure: "quality" }, min: 0, max: 1 } as const;
    const filters = [{ users: ["u"] }, { ruleIds: ["r"] }, { labels: ["l"] }, { ranges: [range] }];
    for (const filter of filters) expect(coverOf(plan(...days, [], filter))).toBeUndefined();
    expect(
      coverOf(plan(...days, [], { agentIds: ["a"], verdicts: ["v"], modelVersions: ["m"] })),
    ).toBeDefined();
  });

  it("is covered once from end to end, by nothing finer than needs be", () => {
    const moment = fc.date({ min: time("01-01T00:00:00"), max: time("12-31T00:00:00"), noInvalidDate: true });
    fc.assert(
      fc.property(moment, moment, (from, until) => {
        const pieces = coverOf(planOf({ ...allOf("t"), from, until }, [], count)) ?? [];
        const [first, ...rest] = pieces;
        if (!first) return;
        expect(first.fromMs).toBe(from.getTime());
        expect(pieces.at(-1)?.untilMs).toBe(until.getTime());
        for (const [n, piece] of rest.entries()) expect(piece.fromMs).toBe(pieces[n]?.untilMs);
        for (const { rollup, fromMs, untilMs } of pieces) {
          expect(untilMs).toBeGreaterThan(fromMs);
          expect([fromMs % (rollup?.ms ?? 1), untilMs % (rollup?.ms ?? 1)]).toEqual([0, 0]);
          if (!rollup) expect(untilMs - fromMs).toBeLessThan(120_000);
        }
      }),
    );
  });
});
