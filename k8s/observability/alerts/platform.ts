import type { ImageContract } from "../../../services/generate/contract.js";
import { metricCatalogue as metrics } from "../../../services/kit/metric-catalogue.js";
import { type Duration, milliseconds } from "../durations.js";
import { type AlertingRule, alerting } from "../rule.js";
import { by } from "../slos.js";

/** Jobs of a Prometheus that reads one process with every workload. */
export const wholePlatformJob = "consciousness";

/** What each part of the platform is told of, besides its objectives. */
export function platformAlerts(
  contract: ImageContract,
  scaled: (duration: Duration) => Duration,
): AlertingRule[] {
  return [
    ...availabilityAlerts(contract, scaled),
    ...logAlerts(scaled),
    ...eventAlerts(scaled),
    ...certificateAlerts(),
  ];
}

/** Matches the targets that are workloads of ours. */
export function ourJobs({ workloads }: ImageContract): string {
  return `job=~"${[wholePlatformJob, ...workloads.map(({ name }) => name)].join("|")}"`;
}

function availabilityAlerts(
  contract: ImageContract,
  scaled: (duration: Duration) => Duration,
): AlertingRule[] {
  const up = `up{${ourJobs(contract)}}`;
  const away = (degrades: string) =>
    `min by (namespace, job, workload, dependency) (${metrics.dependencyUp.name}{degrades="${degrades}"}) == 0`;
  return [
    alerting({
      name: "WorkloadDown",
      severity: "page",
      // A workload without any replica has no `up` at all.
      expr: `sum ${by} (${up}) == 0 or (sum ${by} (last_over_time(${up}[${scaled("1h")}])) * 0 unless sum ${by} (${up}))`,
      for: scaled("1m"),
      summary: "No replica of {{ $labels.job }} answers",
      description: "Prometheus reads none of its replicas: they are gone, hang, or refuse its identity.",
    }),
    alerting({
      name: "ReplicaDown",
      severity: "ticket",
      expr: `${up} == 0`,
      for: scaled("10m"),
      summary: "{{ $labels.instance }} of {{ $labels.job }} does not answer",
      description: "The other replicas carry its share. Look at its restarts, memory and last lines.",
    }),
    alerting({
      name: "DependencyDown",
      severity: "page",
      expr: away("false"),
      for: scaled("1m"),
      summary: "{{ $labels.workload }} cannot reach its dependency {{ $labels.dependency }}",
      description:
        "At least one replica does not reach what it cannot serve without, and takes no calls meanwhile.",
    }),
    alerting({
      name: "DependencyAway",
      severity: "ticket",
      expr: away("true"),
      for: scaled("5m"),
      summary: "{{ $labels.workload }} serves without its dependency {{ $labels.dependency }}",
      description:
        "Events, traces or opinions wait or are left out. What waits too long has pages of its own.",
    }),
    alerting({
      name: "EventLoopSlow",
      severity: "ticket",
      expr: `max ${by} (nodejs_eventloop_lag_p99_seconds{${ourJobs(contract)}}) > 0.25`,
      for: scaled("10m"),
      summary: "The event loop of {{ $labels.job }} lags",
      description: "Its 99th percentile is above 250 ms: something computes too long between two turns.",
    }),
  ];
}

function logAlerts(scaled: (duration: Duration) => Duration): AlertingRule[] {
  const window = scaled("5m");
  const errors = `${metrics.logLines.name}{level="error"}`;
  const calls = metrics.serverRequests.name;
  const dropped = metrics.logLinesDropped.name;
  return [
    alerting({
      name: "ErrorLogs",
      severity: "ticket",
      // Work without calls logs too: no call is no excuse.
      expr: `(sum ${by} (rate(${errors}[${window}])) > 0.01 * sum ${by} (rate(${calls}[${window}]))) and sum ${by} (increase(${errors}[${window}])) >= 5`,
      for: scaled("5m"),
      summary: "{{ $labels.job }} logs an error for more than one call in a hundred",
      description: "{{ $value | humanize }} lines of level error a second. Their messages say what failed.",
    }),
    alerting({
      name: "TelemetryLost",
      severity: "ticket",
      expr: `sum ${by} (increase(${dropped}[${scaled("15m")}])) > 0 or sum ${by} (increase(${metrics.exportFailures.name}[${scaled("15m")}])) > 0`,
      for: scaled("15m"),
      summary: "{{ $labels.job }} loses log lines or traces",
      description: "The reader of the log is too slow, or the collector does not take spans.",
    }),
    alerting({
      name: "AuditLost",
      severity: "page",
      expr: `sum ${by} (increase(${metrics.auditEvents.name}{outcome="lost"}[${scaled("15m")}])) > 0`,
      summary: "Audit events of {{ $labels.job }} were not recorded",
      description: "They are in the log alone. Auth did not take them within their bounds.",
    }),
    alerting({
      name: "SignInsRefused",
      severity: "ticket",
      expr: `sum by (namespace) (increase(${calls}{method="Login",code=~"unauthenticated|resource_exhausted",job!="gateway"}[${scaled("15m")}])) > 200`,
      summary: "More than 200 sign-ins were refused within a quarter of an hour",
      description:
        "Somebody tries passwords. Limits hold per account and address; the audit record says whose.",
    }),
  ];
}

function eventAlerts(scaled: (duration: Duration) => Duration): AlertingRule[] {
  const age = `max by (namespace, job, workload) (${metrics.outboxAge.name})`;
  const lag = `sum by (namespace, job, consumer, le) (rate(${metrics.eventLag.name}_bucket[${scaled("10m")}]))`;
  return [
    alerting({
      name: "OutboxOld",
      severity: "ticket",
      expr: `${age} > ${scaledSeconds("1m", scaled)}`,
      for: scaled("5m"),
      summary: "Events of {{ $labels.workload }} wait for the bus",
      description:
        "The oldest is {{ $value | humanizeDuration }} old. Nothing is lost: they wait in the database.",
    }),
    alerting({
      name: "OutboxVeryOld",
      severity: "page",
      expr: `${age} > ${scaledSeconds("15m", scaled)}`,
      for: scaled("5m"),
      summary: "Events of {{ $labels.workload }} have waited for a quarter of an hour",
      description:
        "Revocations and policies reach other replicas late. The oldest is {{ $value | humanizeDuration }} old.",
    }),
    alerting({
      name: "EventsLate",
      severity: "ticket",
      expr: `histogram_quantile(0.95, ${lag}) > 10`,
      for: scaled("10m"),
      summary: "{{ $labels.consumer }} is behind",
      description: "Of its events one in twenty is applied more than ten seconds after it was recorded.",
    }),
    alerting({
      name: "EventsSetAside",
      severity: "ticket",
      expr: `sum by (namespace, job, consumer) (increase(${metrics.consumed.name}{outcome="dead"}[${scaled("15m")}])) > 0`,
      summary: "{{ $labels.consumer }} set events aside",
      description:
        "They failed again and again. They wait among the dead letters to be looked at and replayed.",
    }),
  ];
}

function certificateAlerts(): AlertingRule[] {
  const left = `min by (namespace, job, use) (${metrics.certificateExpiry.name}) - time()`;
  const within = (days: number) => `${left} < ${days * 86_400}`;
  const about = {
    summary:
      "The certificate of {{ $labels.job }} ({{ $labels.use }}) ends in {{ $value | humanizeDuration }}",
    description: "Renewed files are taken up by themselves: whoever renews them has not.",
  };
  return [
    alerting({ name: "CertificateEnds", severity: "ticket", expr: within(14), ...about }),
    alerting({ name: "CertificateEndsSoon", severity: "page", expr: within(3), ...about }),
  ];
}

function scaledSeconds(duration: Duration, scaled: (duration: Duration) => Duration): number {
  return milliseconds(scaled(duration)) / 1000;
}
