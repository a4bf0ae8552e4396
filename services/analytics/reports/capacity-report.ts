import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type CapacityDaySchema,
  type GetCapacityReportResponse,
  GetCapacityReportResponseSchema,
} from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import type { Ask, Row } from "../domain/ask.js";
import { everything } from "../domain/selection.js";
import type { Group } from "../store/port.js";
import type { Aggregation } from "../store/terms.js";
import { stepAt, trendOf } from "./trend.js";

const dayMs = 86_400_000;
/** Days whose minutes are asked for at once. */
const daysAtOnce = 14;
const leastDays = 7;
const hundredYears = 36_525;

/** What is asked of the past, and of the future. */
export interface CapacityQuestion {
  /** Undefined for every tenant. */
  readonly tenantId: string | undefined;
  /** Days to look back. */
  readonly days: number;
  /** Decisions a second; 0 when unknown. */
  readonly capacity: number;
  /** Milliseconds of the epoch. */
  readonly now: number;
}

const figure = (name: "total_ms" | "cpu_share"): Aggregation => ({
  kind: "percentile",
  metric: { kind: "figure", figure: name },
  percentile: 95,
});
const daily = { decisions: { kind: "count" }, p95: figure("total_ms"), cpu: figure("cpu_share") } as const;

/** What was used day by day, and where that leads. Rejects with QUERY_TOO_EXPENSIVE. */
export async function capacityReport(
  ask: Ask,
  { tenantId, days, capacity, now }: CapacityQuestion,
  signal?: AbortSignal,
): Promise<GetCapacityReportResponse> {
  const until = Math.floor(now / dayMs) * dayMs;
  const period = { from: new Date(until - days * dayMs), until: new Date(until) };
  const selection = everything(tenantId, period);
  const rows = await ask.rows({ selection, groups: [by("day")], aggregates: daily }, signal);
  const first = rows[0] && startOf(rows[0]);
  if (first === undefined) return create(GetCapacityReportResponseSchema);

  const peaks = await peaksOf(ask, { tenantId, first, until }, signal);
  const used = new Map(rows.map((row) => [startOf(row), row]));
  const trend = peaks.length < leastDays ? undefined : trendOf(peaks);
  const step = trend && capacity > 0 ? stepAt(trend, capacity) : undefined;
  return create(GetCapacityReportResponseSchema, {
    days: peaks.map((peak, n) => dayOf(first + n * dayMs, peak, used.get(first + n * dayMs))),
    ...(trend && { trendPerDay: trend.slope }),
    ...(step !== undefined &&
      Math.abs(step) < hundredYears && { exhaustedTime: timestampFromMs(Math.round(first + step * dayMs)) }),
  });
}

/** Decisions a second in the busiest minute of each day from `first`. */
async function peaksOf(
  ask: Ask,
  {
    tenantId,
    first,
    until,
  }: { readonly tenantId: string | undefined; readonly first: number; readonly until: number },
  signal?: AbortSignal,
): Promise<number[]> {
  const peaks = new Array<number>((until - first) / dayMs).fill(0);
  for (let from = first; from < until; from += daysAtOnce * dayMs) {
    const period = { from: new Date(from), until: new Date(Math.min(until, from + daysAtOnce * dayMs)) };
    const aggregates = { decisions: { kind: "count" } } as const;
    const question = { selection: everything(tenantId, period), groups: [by("minute")], aggregates };
    for (const row of await ask.rows(question, signal)) {
      const day = Math.floor((startOf(row) - first) / dayMs);
      peaks[day] = Math.max(peaks[day] ?? 0, Number(row.decisions) / 60);
    }
  }
  return peaks;
}

function dayOf(
  start: number,
  peak: number,
  row: Row<keyof typeof daily> | undefined,
): MessageInitShape<typeof CapacityDaySchema> {
  return {
    time: timestampFromMs(start),
    decisions: BigInt(row?.decisions ?? 0),
    peakPerSecond: peak,
    p95Ms: row?.p95 ?? 0,
    ...(typeof row?.cpu === "number" && { p95CpuShare: row.cpu }),
  };
}

function by(unit: "day" | "minute"): Group {
  return { name: "time", kind: "time", unit, timeZone: "UTC" };
}

function startOf(row: Readonly<Record<string, unknown>>): number {
  return (row.time as Date).getTime();
}
