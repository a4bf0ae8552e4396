import { type DecisionRow, figures } from "../port.js";
import type { Metric } from "../terms.js";
import { binOf, elementOf } from "./histogram.js";

/** A dimension that some rollup tells apart. */
export type RolledUp = "tenant" | "agent" | "verdict" | "model_version" | "policy" | "composer";

/** How decisions are summed up: over stretches of time, in UTC, and by dimensions. */
export interface RollupUnit {
  readonly table: string;
  /** Length of a stretch, in milliseconds. */
  readonly ms: number;
  readonly dimensions: readonly RolledUp[];
}

/**
 * The rollups, the shortest first. At any moment an agent has few verdicts and as
 * good as one model version, policy and composer, so that an hour or a day has
 * many decisions of each combination. A minute has few: by agent it would have as
 * many rows as decisions, so it is summed up by tenant and verdict alone. Users
 * would make as many rows in a day, too, and rules and labels count a decision
 * several times: questions about those go to the decisions.
 */
export const rollupUnits: readonly RollupUnit[] = [
  { table: "rollup_minute", ms: 60_000, dimensions: ["tenant", "verdict"] },
  ...[
    { table: "rollup_hour", ms: 3_600_000 },
    { table: "rollup_day", ms: 86_400_000 },
  ].map((unit) => ({
    ...unit,
    dimensions: ["tenant", "agent", "verdict", "model_version", "policy", "composer"] as const,
  })),
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
