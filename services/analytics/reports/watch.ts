import type { Clock } from "../../kit/clock.js";
import type { Lease } from "../../kit/lease.js";
import type { Ask } from "../domain/ask.js";
import { everything } from "../domain/selection.js";
import type { ColumnStore, Group } from "../store/port.js";
import { driftReport, hasDrifted } from "./drift-report.js";
import { findAnomalies, leastEarlier, type WindowFigures } from "./find-anomalies.js";
import type { ReportStore } from "./report-store.js";
import { lastWindow, longestBefore, sameTimesBefore, windowMs } from "./window-times.js";

/** What watching needs. */
export interface WatchOptions {
  readonly ask: Ask;
  readonly store: Pick<ColumnStore, "count" | "read">;
  readonly reports: ReportStore;
  /** Whoever holds it watches; replicas do not. */
  readonly lease: Lease;
  readonly clock: Clock;
  /** How long what was found is kept, in milliseconds. */
  readonly keptMs: number;
}

const dayMs = 86_400_000;
/** How long decisions may be on their way, in milliseconds: later ones are not seen here. */
const settledMs = 120_000;
/** After an interruption no more times are looked at than these, the latest. */
const mostWindows = 12;

/**
 * Makes what looks at each five minutes that are over, and at each day, of every
 * tenant. However often it is called, and wherever it was interrupted, each is
 * looked at once.
 */
export function watch(options: WatchOptions): () => Promise<void> {
  const { reports, lease, clock, keptMs } = options;
  /** Where what this process has looked at ends: only the beginning of what others have is known. */
  let seen = 0;
  let seenDay = 0;
  return async () => {
    if (!(await lease.hold())) return;
    const now = clock.now();
    for (const time of await dueWindows(reports, now)) {
      if (time.getTime() <= seen) continue;
      await lookAtWindow(options, time);
      seen = time.getTime();
      if (!(await lease.hold())) return;
    }
    const day = lastDay(now);
    if (day <= seenDay) return;
    await lookAtDay(options, day);
    await reports.forget({ compared: new Date(now - longestBefore - dayMs), kept: new Date(now - keptMs) });
    seenDay = day;
  };
}

/** From the latest that anything is kept of, which may have been interrupted, but not from long ago. */
async function dueWindows(reports: ReportStore, now: number): Promise<Date[]> {
  const last = lastWindow(now, settledMs);
  const latest = await reports.latest();
  const first = latest ? Math.max(latest.getTime(), last - (mostWindows - 1) * windowMs) : last;
  const times: Date[] = [];
  for (let time = first; time <= last; time += windowMs) times.push(new Date(time));
  return times;
}

/** Where the last day begins that is over, in UTC, in milliseconds of the epoch. */
function lastDay(now: number): number {
  return Math.floor((now - settledMs) / dayMs) * dayMs - dayMs;
}

async function lookAtWindow({ ask, reports }: WatchOptions, time: Date): Promise<void> {
  const figures = await figuresByTenant(ask, time);
  const known = await reports.tenantsSince(new Date(time.getTime() - longestBefore));
  for (const tenant of new Set([...known, ...figures.keys()])) {
    const now = figures.get(tenant) ?? { decisions: 0, p95Ms: null, verdicts: {} };
    const findings = findAnomalies(now, await earlierThan(reports, tenant, time));
    await reports.keepWindow({ tenant, time }, now, findings);
  }
}

async function earlierThan(reports: ReportStore, tenant: string, time: Date): Promise<WindowFigures[]> {
  const same = await reports.at(tenant, sameTimesBefore(time));
  return same.length >= leastEarlier ? same : reports.between(tenant, new Date(time.getTime() - dayMs), time);
}

const tenantGroup: Group = { name: "tenant", kind: "dimension", dimension: "tenant" };
const verdictGroup: Group = { name: "verdict", kind: "dimension", dimension: "verdict" };
const count = { decisions: { kind: "count" } } as const;

async function figuresByTenant(ask: Ask, time: Date): Promise<Map<string, WindowFigures>> {
  const selection = everything(undefined, { from: time, until: new Date(time.getTime() + windowMs) });
  const p95 = { kind: "percentile", metric: { kind: "figure", figure: "total_ms" }, percentile: 95 } as const;
  const [totals, shares] = await Promise.all([
    ask.rows({ selection, groups: [tenantGroup], aggregates: { ...count, p95 } }),
    ask.rows({ selection, groups: [tenantGroup, verdictGroup], aggregates: count }),
  ]);
  const verdicts = new Map<string, Record<string, number>>();
  for (const { tenant, verdict, decisions } of shares) {
    const counts = verdicts.get(String(tenant)) ?? {};
    verdicts.set(String(tenant), counts);
    counts[String(verdict)] = Number(decisions);
  }
  return new Map(
    totals.map((row) => {
      const tenant = String(row.tenant);
      return [
        tenant,
        { decisions: Number(row.decisions), p95Ms: row.p95, verdicts: verdicts.get(tenant) ?? {} },
      ];
    }),
  );
}

/** Compares a day with the one before it. */
async function lookAtDay({ ask, store, reports }: WatchOptions, start: number): Promise<void> {
  const [before, day, end] = [new Date(start - dayMs), new Date(start), new Date(start + dayMs)];
  const both = everything(undefined, { from: before, until: end });
  const rows = await ask.rows({ selection: both, groups: [tenantGroup], aggregates: count });
  for (const tenant of await reports.uncompared(
    rows.map((row) => String(row.tenant)),
    day,
  )) {
    const periods = {
      before: everything(tenant, { from: before, until: day }),
      now: everything(tenant, { from: day, until: end }),
    };
    const report = await driftReport({ ask, store }, periods);
    await reports.keepDay({ tenant, day }, { report, drifted: hasDrifted(report) });
  }
}
