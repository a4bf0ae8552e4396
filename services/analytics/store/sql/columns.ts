import type { Dimension, Metric } from "../terms.js";
import type { Dialect } from "./dialect.js";
import type { Bind } from "./parameters.js";

/** A dimension of which a decision may have several values, or none. */
export type ManyDimension = "rule" | "framework" | "label";

const columns = {
  agent: "agent_id",
  user: "user_pseudonym",
  verdict: "verdict",
  model_version: "model_version",
  composer: "composer",
  policy: "policy_digest",
  tenant: "tenant_id",
} as const satisfies Record<Exclude<Dimension, ManyDimension>, string>;

export function isMany(dimension: Dimension): dimension is ManyDimension {
  return dimension === "rule" || dimension === "framework" || dimension === "label";
}

/** The column of a dimension that every decision has once. */
export function dimensionSql(dimension: Exclude<Dimension, ManyDimension>): string {
  return `d.${columns[dimension]}`;
}

/** The list of what a decision has of a dimension. */
export function listSql(dimension: "rule" | "framework", dialect: Dialect): string {
  return dimension === "rule" ? "d.rule_ids" : dialect.keys("d.frameworks");
}

/** Tells metrics apart. */
export function metricName(metric: Metric): string {
  return metric.kind === "figure" ? metric.figure : `${metric.kind} ${metric.key}`;
}

/** The value of a metric, null where a decision has none. Names of figures are ours, and those of columns. */
export function metricSql(metric: Metric, dialect: Dialect, bind: Bind): string {
  if (metric.kind === "figure") return `d.${metric.figure}`;
  const map = metric.kind === "stage" ? "d.stages" : "d.frameworks";
  return dialect.entry(map, bind({ type: "text", value: metric.key }));
}
