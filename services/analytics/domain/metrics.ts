import { Metric, MetricSchema } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import { enumNames } from "../../kit/enum-names.js";
import type { Figure } from "../store/port.js";
import type * as store from "../store/terms.js";

/** `ms`, `1` for a ratio, `tokens`, `currency`, `count`, `time`, or empty for names and ids. */
export type Unit = "ms" | "1" | "tokens" | "currency" | "count" | "time" | "";

/** Metrics of the contract that stand for one figure of a decision. */
export type FigureMetric = Exclude<Metric, Metric.UNSPECIFIED | KeyedMetric>;

type KeyedMetric = Metric.STAGE_TIME | Metric.FRAMEWORK_SCORE;

const figureOf: Readonly<Record<FigureMetric, readonly [Figure, Unit]>> = {
  [Metric.PROCESSING_TIME]: ["processing_ms", "ms"],
  [Metric.QUEUE_TIME]: ["queue_ms", "ms"],
  [Metric.TOTAL_TIME]: ["total_ms", "ms"],
  [Metric.AWARENESS]: ["awareness", "1"],
  [Metric.ETHICAL_SCORE]: ["ethical_score", "1"],
  [Metric.CREATIVITY]: ["creativity", "1"],
  [Metric.QUALITY]: ["quality", "1"],
  [Metric.REFLECTION_DEPTH]: ["reflection_depth", "count"],
  [Metric.CONFIDENCE]: ["confidence", "1"],
  [Metric.RULES_HIT]: ["rules_hit", "count"],
  [Metric.INPUT_TOKENS]: ["input_tokens", "tokens"],
  [Metric.OUTPUT_TOKENS]: ["output_tokens", "tokens"],
  [Metric.COST]: ["cost", "currency"],
  [Metric.CPU_SHARE]: ["cpu_share", "1"],
  [Metric.MEMORY_SHARE]: ["memory_share", "1"],
  [Metric.GPU_SHARE]: ["gpu_share", "1"],
  [Metric.QUANTUM_COHERENCE]: ["quantum_coherence", "1"],
};

const keyed: Readonly<Record<KeyedMetric, readonly ["stage" | "framework", Unit]>> = {
  [Metric.STAGE_TIME]: ["stage", "ms"],
  [Metric.FRAMEWORK_SCORE]: ["framework", "1"],
};

const names = enumNames<Metric>(MetricSchema);

/** A metric as requests name it. */
export interface NamedMetric {
  readonly metric: Metric;
  /** Which stage or framework; empty for others. */
  readonly key: string;
}

/** Whether the metric needs a key; others have none. */
export function isKeyed(metric: Metric): metric is KeyedMetric {
  return metric in keyed;
}

/** The metric as the store knows it. It must have a key exactly when it needs one. */
export function metricOf({ metric, key }: NamedMetric): store.Metric {
  if (isKeyed(metric)) return { kind: keyed[metric][0], key };
  return { kind: "figure", figure: figureOf[metric as FigureMetric][0] };
}

/** Unit of the metric's values. */
export function unitOf(metric: Metric): Unit {
  return isKeyed(metric) ? keyed[metric][1] : figureOf[metric as FigureMetric][1];
}

/** Such as `total_time` and `stage_time_retrieve`. */
export function metricName({ metric, key }: NamedMetric): string {
  return [names.nameOf(metric).toLowerCase(), key].filter((part) => part !== "").join("_");
}
