/** Bounds of a duration's histogram, in seconds. */
export const durations = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const shares = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1];

/** What a metric is. */
export interface MetricSpec {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** What the value counts; Prometheus' base units. */
  readonly unit:
    | "calls"
    | "requests"
    | "seconds"
    | "ratio"
    | "failures"
    | "lines"
    | "info"
    | "events"
    | "reads"
    | "tokens"
    | "currency";
  /** Label values come from closed sets: methods, codes, verdicts; never ids or text. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in its unit. */
  readonly buckets?: readonly number[];
}

/** Every metric of ours, once. */
export const metricCatalogue = {
  requests: {
    name: "consciousness_requests_total",
    type: "counter",
    help: "Requests that the engine judged, by verdict and by what composed the answer.",
    unit: "requests",
    labels: ["verdict", "composer"],
  },
  stageDuration: {
    name: "consciousness_processing_duration_seconds",
    type: "histogram",
    help: "Time spent in each stage of the engine's pipeline.",
    unit: "seconds",
    labels: ["stage"],
    buckets: durations,
  },
  quality: {
    name: "consciousness_quality_score",
    type: "histogram",
    help: "consciousness_quality of the answers, 0 to 1, as the contract defines it.",
    unit: "ratio",
    labels: [],
    buckets: shares,
  },
  providerRequests: {
    name: "provider_requests_total",
    type: "counter",
    help: "Exchanges with a provider that ended, by how: ok, or what failed.",
    unit: "requests",
    labels: ["provider", "outcome"],
  },
  providerDuration: {
    name: "provider_duration_seconds",
    type: "histogram",
    help: "Time that exchanges with a provider took, retries included.",
    unit: "seconds",
    labels: ["provider"],
    buckets: durations,
  },
  providerTokens: {
    name: "provider_tokens_total",
    type: "counter",
    help: "Tokens that a provider says it read (input) and wrote (output).",
    unit: "tokens",
    labels: ["provider", "direction"],
  },
  providerCost: {
    name: "provider_cost_total",
    type: "counter",
    help: "What those tokens cost by the configured prices.",
    unit: "currency",
    labels: ["provider"],
  },
  serverRequests: {
    name: "rpc_server_requests_total",
    type: "counter",
    help: "Calls that ended, by their code; code ok for success.",
    unit: "calls",
    labels: ["service", "method", "code"],
  },
  serverDuration: {
    name: "rpc_server_duration_seconds",
    type: "histogram",
    help: "Time from a call's arrival in the chain to its last message.",
    unit: "seconds",
    labels: ["service", "method"],
    buckets: durations,
  },
  serverInFlight: {
    name: "rpc_server_in_flight",
    type: "gauge",
    help: "Calls that have begun and not ended.",
    unit: "calls",
    labels: ["workload"],
  },
  clientRequests: {
    name: "rpc_client_requests_total",
    type: "counter",
    help: "Calls to other workloads that ended, by their code; code ok for success.",
    unit: "calls",
    labels: ["peer", "method", "code"],
  },
  clientDuration: {
    name: "rpc_client_duration_seconds",
    type: "histogram",
    help: "Time that calls to other workloads took, retries included.",
    unit: "seconds",
    labels: ["peer", "method"],
    buckets: durations,
  },
  httpRejected: {
    name: "http_rejected_total",
    type: "counter",
    help: "HTTP requests that were refused before they reached a method.",
    unit: "requests",
    labels: ["status", "reason"],
  },
  exportFailures: {
    name: "telemetry_export_failures_total",
    type: "counter",
    help: "Batches of spans that the exporter could not deliver.",
    unit: "failures",
    labels: [],
  },
  logLinesDropped: {
    name: "log_lines_dropped_total",
    type: "counter",
    help: "Log lines dropped because their reader was too slow.",
    unit: "lines",
    labels: [],
  },
  outboxPending: {
    name: "outbox_pending_events",
    type: "gauge",
    help: "Events that wait in a workload's outbox for the bus; counted up to 100,000.",
    unit: "events",
    labels: ["workload"],
  },
  outboxAge: {
    name: "outbox_oldest_age_seconds",
    type: "gauge",
    help: "Age of the oldest event that waits in a workload's outbox; 0 when none does.",
    unit: "seconds",
    labels: ["workload"],
  },
  outboxRelayed: {
    name: "outbox_relayed_total",
    type: "counter",
    help: "Events that the bus took over from a workload's outbox.",
    unit: "events",
    labels: ["workload"],
  },
  consumed: {
    name: "events_consumed_total",
    type: "counter",
    help: "Events that a consumer dealt with: applied, duplicate (applied before) or dead (set aside).",
    unit: "events",
    labels: ["consumer", "outcome"],
  },
  consumeFailures: {
    name: "events_consume_failures_total",
    type: "counter",
    help: "Attempts of a consumer that failed and were or will be repeated.",
    unit: "failures",
    labels: ["consumer"],
  },
  cacheReads: {
    name: "cache_reads_total",
    type: "counter",
    help: "Reads through a cache: hit, stale (served while it is loaded anew), miss, or away (the cache did not answer).",
    unit: "reads",
    labels: ["cache", "outcome"],
  },
  auditEvents: {
    name: "audit_events_total",
    type: "counter",
    help: "Audit events: recorded, late (written after the answer had left), or lost (never written; the log has them).",
    unit: "events",
    labels: ["outcome"],
  },
  auditPending: {
    name: "audit_pending_events",
    type: "gauge",
    help: "Audit events that wait to be written.",
    unit: "events",
    labels: ["workload"],
  },
  buildInfo: {
    name: "build_info",
    type: "gauge",
    help: "1 for each workload that this process runs, with the version of the build.",
    unit: "info",
    labels: ["version", "workload"],
  },
} as const satisfies Record<string, MetricSpec>;
