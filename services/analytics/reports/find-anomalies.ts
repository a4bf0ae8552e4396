import { robustScore } from "./robust-score.js";

/** What a tenant did in five minutes. */
export interface WindowFigures {
  readonly decisions: number;
  /** 95th percentile of the total time, in milliseconds; null without a decision. */
  readonly p95Ms: number | null;
  /** Decisions by verdict. */
  readonly verdicts: Readonly<Record<string, number>>;
}

/** What may be out of the ordinary. */
export type AnomalyKindName = "rate" | "latency" | "verdicts";

/** Something that was. */
export interface Finding {
  readonly kind: AnomalyKindName;
  /** Empty but for `verdicts`. */
  readonly verdict: string;
  readonly value: number;
  readonly median: number;
  readonly score: number;
}

/** Beyond which a robust z-score is out of the ordinary (Iglewicz and Hoaglin 1993, section 3). */
const bound = 3.5;
/** Times before that a value is compared with, at least. */
export const leastEarlier = 20;
/** Decisions that make a percentile or a share worth comparing. */
const leastDecisions = 20;

/** What of five minutes was out of the ordinary, beside earlier ones. */
export function findAnomalies(now: WindowFigures, earlier: readonly WindowFigures[]): Finding[] {
  const findings = [
    compared(
      "rate",
      "",
      now.decisions,
      earlier.map(({ decisions }) => decisions),
      ofCount,
    ),
  ];
  if (now.decisions >= leastDecisions) {
    const full = earlier.filter(({ decisions }) => decisions >= leastDecisions);
    const latencies = full.flatMap(({ p95Ms }) => p95Ms ?? []);
    if (now.p95Ms !== null) findings.push(compared("latency", "", now.p95Ms, latencies, ofLatency));
    for (const verdict of verdictsOf([now, ...full])) {
      const shares = full.map((one) => shareOf(one, verdict));
      findings.push(compared("verdicts", verdict, shareOf(now, verdict), shares, ofShare(now.decisions)));
    }
  }
  return findings.filter((finding) => finding !== undefined);
}

function compared(
  kind: AnomalyKindName,
  verdict: string,
  value: number,
  earlier: readonly number[],
  leastDeviation: (median: number) => number,
): Finding | undefined {
  if (earlier.length < leastEarlier) return undefined;
  const found = robustScore(value, earlier, leastDeviation);
  return Math.abs(found.score) > bound ? { kind, verdict, value, ...found } : undefined;
}

/** Of a count of what happens independently (Poisson), which is no less than 1. */
function ofCount(median: number): number {
  return Math.sqrt(Math.max(1, median));
}

/** Of a percentile: 5 % of it, or a millisecond; finer differences mean nothing to anybody. */
function ofLatency(median: number): number {
  return Math.max(1, 0.05 * median);
}

/** Of a share of so many, kept from 0 and 1 by the rule of succession (Laplace 1774). */
function ofShare(of: number): (median: number) => number {
  return (median) => {
    const share = (median * of + 1) / (of + 2);
    return Math.sqrt((share * (1 - share)) / of);
  };
}

function shareOf({ verdicts, decisions }: WindowFigures, verdict: string): number {
  return (verdicts[verdict] ?? 0) / decisions;
}

function verdictsOf(windows: readonly WindowFigures[]): string[] {
  return [...new Set(windows.flatMap(({ verdicts }) => Object.keys(verdicts)))].sort();
}
