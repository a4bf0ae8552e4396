import { metricCatalogue as metrics } from "../../services/kit/metric-catalogue.js";
import type { Duration } from "./durations.js";
import type { RecordingRule } from "./rule.js";

/** Ratios and rates that people ask for by name, and that alerts compare. */
export const recorded = {
  conversations: "conversations_per_second",
  cacheHits: "cache_hit_ratio",
  verdictShare: "verdict:consciousness_requests:ratio_rate1h",
  readingShare: "head_band:judge_head_readings:ratio_1h",
  readingReference: "head_band:judge_head_readings:ratio_7d",
  drift: "judge_head_drift_psi",
} as const;

/** Bands of a head's readings: what is added to each so that an empty band has a logarithm. */
const bands = 8;

/** Rules that record them; windows times a factor. */
export function businessRecordings(scaled: (window: Duration) => Duration): RecordingRule[] {
  const lately = scaled("5m");
  const hour = scaled("1h");
  const reads = `${metrics.cacheReads.name}{outcome!="away"}`;
  const hits = `${metrics.cacheReads.name}{outcome=~"hit|stale"}`;
  const decisions = metrics.requests.name;
  return [
    {
      record: recorded.conversations,
      expr: `sum by (namespace) (rate(${metrics.conversations.name}[${lately}]))`,
    },
    {
      record: recorded.cacheHits,
      expr: `sum by (namespace, job, cache) (rate(${hits}[${lately}])) / (sum by (namespace, job, cache) (rate(${reads}[${lately}])) > 0)`,
    },
    {
      record: recorded.verdictShare,
      expr: `sum by (namespace, verdict) (rate(${decisions}[${hour}])) / on (namespace) group_left () (sum by (namespace) (rate(${decisions}[${hour}])) > 0)`,
    },
    { record: recorded.readingShare, expr: readingShare(`[${hour}]`) },
    { record: recorded.readingReference, expr: readingShare(`[${scaled("7d")}] offset ${hour}`) },
    { record: recorded.drift, expr: populationStabilityIndex() },
  ];
}

/** Share of each band in the readings of a head, with one reading more in each band than there was. */
function readingShare(window: string): string {
  const readings = (labels: string) =>
    `sum by (namespace, ${labels}) (increase(${metrics.headReadings.name}${window}))`;
  return `(${readings("head, band")} + 1) / on (namespace, head) group_left () (${readings("head")} + ${bands})`;
}

/**
 * The population stability index of a head's readings: the last hour against
 * the seven days before it, Σ (p − q) · ln(p / q) over the bands. It is the sum
 * of both Kullback-Leibler divergences (Jeffreys 1946); by custom below 0.1 is
 * stable and above 0.25 has shifted.
 */
function populationStabilityIndex(): string {
  const { readingShare: p, readingReference: q } = recorded;
  return `sum by (namespace, head) ((${p} - ${q}) * ln(${p} / ${q}))`;
}
