import { type Duration, milliseconds } from "./durations.js";
import { type AlertingRule, alerting, type RecordingRule, type Severity } from "./rule.js";
import { by, type Slo } from "./slos.js";

/** A rate of burning the budget that somebody is told of, seen in two windows. */
interface BurnRate {
  readonly severity: Severity;
  /** How much faster than the budget of the SLO's window allows. */
  readonly factor: number;
  readonly long: Duration;
  /** A twelfth of the long one: the alert ends soon after its cause. */
  readonly short: Duration;
}

/**
 * Burn rates for objectives over 30 days, from chapter 5 of Google's "The Site
 * Reliability Workbook": 2 % of the budget within an hour and 5 % within six
 * are worth a page, 10 % within one or three days a ticket.
 */
export const burnRates: readonly BurnRate[] = [
  { severity: "page", factor: 14.4, long: "1h", short: "5m" },
  { severity: "page", factor: 6, long: "6h", short: "30m" },
  { severity: "ticket", factor: 3, long: "1d", short: "2h" },
  { severity: "ticket", factor: 1, long: "3d", short: "6h" },
];

/** Bad events in the long window below which nobody is told: one of three calls at night is no trend. */
const leastBad = 10;

const ratioName = (window: Duration) => `job:slo_errors_per_event:ratio_rate${window}`;

/** Share of bad events in each window, by namespace, job and SLO. */
export function burnRecordings(
  slos: readonly Slo[],
  scaled: (window: Duration) => Duration,
): RecordingRule[] {
  const windows = [...new Set(burnRates.flatMap(({ long, short }) => [short, long]))];
  return slos.flatMap((slo) =>
    windows.map((window) => {
      const total = slo.total(scaled(window));
      return {
        record: ratioName(window),
        // Before the first fault there is no series of faults.
        expr: `(${slo.bad(scaled(window))} or ${total} * 0) / (${total} > 0)`,
        labels: { slo: slo.name },
      };
    }),
  );
}

/** Tells of each SLO whose budget is spent too fast. */
export function burnAlerts(slos: readonly Slo[], scaled: (window: Duration) => Duration): AlertingRule[] {
  return slos.flatMap((slo) =>
    (["page", "ticket"] as const).map((severity) => {
      const rates = burnRates.filter((rate) => rate.severity === severity);
      return alerting({
        name: "ErrorBudgetBurn",
        severity,
        labels: { slo: slo.name },
        expr: rates.map((rate) => burning(slo, rate, scaled)).join(" or "),
        summary: `{{ $labels.job }} burns its budget of ${slo.name}`,
        description: `${slo.promise} Of late {{ $value | humanizePercentage }} were bad, which spends the budget of 30 days ${severity === "page" ? "within days" : "too early"}.`,
      });
    }),
  );
}

function burning(
  slo: Slo,
  { factor, long, short }: BurnRate,
  scaled: (window: Duration) => Duration,
): string {
  const bound = Number((factor * (1 - slo.objective)).toPrecision(6));
  const above = (window: Duration) => `${ratioName(window)}{slo="${slo.name}"} > ${bound}`;
  // rate × seconds: how many bad ones there were.
  const bad = `${slo.bad(scaled(long))} * ${seconds(scaled(long))} >= ${leastBad}`;
  return `(${above(long)} and ${above(short)} and on (namespace, job) (${bad}))`;
}

function seconds(duration: Duration): number {
  return milliseconds(duration) / 1000;
}

/** What a dashboard shows of a budget: the part of it that the last three days left. */
export function budgetLeft(slo: Slo): string {
  return `1 - ${ratioName("3d")}{slo="${slo.name}"} / ${Number((1 - slo.objective).toPrecision(6))}`;
}

/** The share of bad events of an SLO in a window, where the rules record it. */
export function recordedRatio(slo: Slo, window: Duration): string {
  return `max ${by} (${ratioName(window)}{slo="${slo.name}"})`;
}
