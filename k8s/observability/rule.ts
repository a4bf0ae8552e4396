import type { Duration } from "./durations.js";

/** Whom an alert reaches: somebody at once, or the team in working hours. */
export type Severity = "page" | "ticket";

/** An expression that Prometheus keeps under a name. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A condition that somebody is told of. */
export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  /** How long the condition must hold. */
  readonly for?: Duration;
  readonly labels: Readonly<Record<string, string>> & { readonly severity: Severity };
  readonly annotations: { readonly summary: string; readonly description: string };
}

/** Rules that are evaluated together, in order. */
export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly (RecordingRule | AlertingRule)[];
}

/** An alert without the wrapping. */
export interface AlertOptions {
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  readonly for?: Duration;
  /** What is the case. */
  readonly summary: string;
  /** What it means and where to look. */
  readonly description: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Makes an alerting rule. */
export function alerting(options: AlertOptions): AlertingRule {
  return {
    alert: options.name,
    expr: options.expr,
    ...(options.for && { for: options.for }),
    labels: { severity: options.severity, ...options.labels },
    annotations: { summary: options.summary, description: options.description },
  };
}
