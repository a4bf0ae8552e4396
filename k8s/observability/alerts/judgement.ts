import { metricCatalogue as metrics } from "../../../services/kit/metric-catalogue.js";
import type { Duration } from "../durations.js";
import { recorded } from "../recordings.js";
import { type AlertingRule, alerting } from "../rule.js";

/** Standard deviations of a week from which a share is unusual, and how far it must have moved at least. */
const unusual = { deviations: 3, move: 0.05 };
/** Fewer decisions or readings than these say nothing about their mix. */
const leastDecisions = 100;
const leastReadings = 500;
const leastReference = 5_000;
/** Population stability index from which a distribution has shifted, by custom. */
export const shifted = 0.25;

/** What is told of how the engine judges. */
export function judgementAlerts(scaled: (duration: Duration) => Duration): AlertingRule[] {
  const { verdictShare: share, drift } = recorded;
  const hour = scaled("1h");
  const week = `[${scaled("7d")}] offset ${hour}`;
  const readings = (window: string) =>
    `sum by (namespace, head) (increase(${metrics.headReadings.name}${window}))`;
  return [
    alerting({
      name: "VerdictsUnusual",
      severity: "ticket",
      expr: `abs(${share} - avg_over_time(${share}${week})) > ${unusual.deviations} * stddev_over_time(${share}${week}) + ${unusual.move} and on (namespace) sum by (namespace) (increase(${metrics.requests.name}[${hour}])) >= ${leastDecisions}`,
      for: scaled("15m"),
      summary: "The share of verdict {{ $labels.verdict }} is unusual",
      description:
        "Over an hour it moved by {{ $value | humanizePercentage }} of all decisions, more than three standard deviations of the week before. A policy, an agent, an attack, or a new kind of caller.",
    }),
    alerting({
      name: "JudgeHeadDrift",
      severity: "ticket",
      expr: `${drift} > ${shifted} and ${readings(`[${hour}]`)} >= ${leastReadings} and ${readings(week)} >= ${leastReference}`,
      for: scaled("1h"),
      summary: "What the head {{ $labels.head }} reads has shifted",
      description:
        "Its readings of the last hour are spread otherwise than those of the week before (population stability index {{ $value | humanize }}). Its thresholds were set for other texts: look at its warnings and blocks, and at feedback.",
    }),
    alerting({
      name: "ProviderFails",
      severity: "ticket",
      expr: `sum by (namespace, provider) (rate(${metrics.providerRequests.name}{outcome!="ok"}[${scaled("15m")}])) > 0.2 * sum by (namespace, provider) (rate(${metrics.providerRequests.name}[${scaled("15m")}]))`,
      for: scaled("15m"),
      summary: "The provider {{ $labels.provider }} fails for more than one request in five",
      description: "The embedded composer answers instead, by the agent's knowledge alone.",
    }),
  ];
}
