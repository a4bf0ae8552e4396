import { type DecisionRow, figures } from "../port.js";
import type { Metric } from "../terms.js";
import { binOf, elementOf } from "./histogram.js";

/** A dimension that some rollup tells apart. */
export type RolledUp = "tenant" | "agent" | "verdict" | "model_version" | "policy" | "composer";

/** How decisions are summed up: over stretches of time, in UTC, and by dimensions. */
export interface Rollup {
  readonly table: string;
  /** Length of a stretch, in milliseconds. */
  readonly ms: number;
  readonly dimensions: readonly RolledUp[];
}

const byVerdict: readonly RolledUp[] = ["tenant", "verdict"];
const byAgent: readonly RolledUp[] = ["tenant", "agent", "verdict", "model_version", "policy", "composer"];

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * The rollups, those with the longest stretches and the fewest dimensions first.
 *
 * Most questions are of a tenant and its verdicts, and a rollup that knows no more
 * answers them from a tenth of the rows. At any moment an agent has as good as one
 * model version, policy and composer, so that these come with it for few rows
 * more. By agent a minute would have as many rows as decisions, and so would a day
 * by user; rules and labels count a decision several times. Questions about those
 * go to the decisions.
 */
export const rollups: readonly Rollup[] = [
  { table: "rollup_day", ms: dayMs, dimensions: byVerdict },
  { table: "rollup_day_by_agent", ms: dayMs, dimensions: byAgent },
  { table: "rollup_hour", ms: hourMs, dimensions: byVerdict },
  { table: "rollup_hour_by_agent", ms: hourMs, dimensions: byAgent },
  { table: "rollup_minute", ms: minuteMs, dimensions: byVerdict },
];

/** What stands for the decisions themselves, whichever metrics they have. */
export const everyDecision = "decision";

/** How rollups name a metric. */
export function metricName(metric: Metric): string {
  return metric.kind === "figure" ? `figure ${metric.figure}` : `${metric.kind} ${metric.key}`;
}

/** What is added to a row of a rollup. */
export interface RollupRow {
  readonly metric: string;
  readonly time: string;
  readonly series: number;
  readonly n: number;
  readonly sum: number;
  readonly squares: number;
  readonly min: number;
  readonly max: number;
  readonly bins: readonly number[];
}

/** Sums up decisions by metric, stretch of time and series. `seriesOf` says which one is whose. */
export function rollUp(
  decisions: readonly DecisionRow[],
  unitMs: number,
  seriesOf: (decision: DecisionRow) => number,
): RollupRow[] {
  const values = new Map<string, { metric: string; ms: number; series: number; all: number[] }>();
  for (const decision of decisions) {
    const time = decision.time.getTime();
    const ms = time - (((time % unitMs) + unitMs) % unitMs);
    const series = seriesOf(decision);
    for (const [metric, value] of metricsOf(decision)) {
      const key = `${ms} ${series} ${metric}`;
      const known = values.get(key);
      if (known) known.all.push(value);
      else values.set(key, { metric, ms, series, all: [value] });
    }
  }
  return [...values.values()].map(({ metric, ms, series, all }) => ({
    metric,
    time: new Date(ms).toISOString(),
    series,
    ...summaryOf(all, metric !== everyDecision),
  }));
}

function* metricsOf({ figures: measured, stages, frameworks }: DecisionRow): Iterable<[string, number]> {
  yield [everyDecision, 0];
  for (const figure of figures) {
    const value = measured[figure];
    if (value !== null) yield [metricName({ kind: "figure", figure }), value];
  }
  for (const [key, value] of Object.entries(stages)) yield [metricName({ kind: "stage", key }), value];
  for (const [key, value] of Object.entries(frameworks)) {
    yield [metricName({ kind: "framework", key }), value];
  }
}

function summaryOf(values: readonly number[], binned: boolean) {
  const n = values.length;
  const sum = values.reduce((total, value) => total + value, 0);
  const mean = sum / n;
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  const bins = binned ? histogramOf(values) : [];
  const min = values.reduce((least, value) => Math.min(least, value));
  const max = values.reduce((greatest, value) => Math.max(greatest, value));
  return { n, sum, squares, min, max, bins };
}

function histogramOf(values: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const value of values) {
    const bin = binOf(value);
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  return [...counts].map(([bin, count]) => elementOf(bin, count));
}
