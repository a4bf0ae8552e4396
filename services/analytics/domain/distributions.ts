import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  DistributionSchema,
  MetricDistributionSchema,
} from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import type { Metric } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import type { Selection } from "../store/port.js";
import type * as store from "../store/terms.js";
import type { Ask } from "./ask.js";
import { metricName, metricOf, type NamedMetric, unitOf } from "./metrics.js";

type Distribution = MessageInitShape<typeof DistributionSchema>;
type MetricDistribution = MessageInitShape<typeof MetricDistributionSchema>;

const statistics: Readonly<Record<string, (metric: store.Metric) => store.Aggregation>> = {
  count: (metric) => ({ kind: "count", metric }),
  mean: (metric) => ({ kind: "average", metric }),
  min: (metric) => ({ kind: "min", metric }),
  max: (metric) => ({ kind: "max", metric }),
  p50: (metric) => ({ kind: "percentile", metric, percentile: 50 }),
  p95: (metric) => ({ kind: "percentile", metric, percentile: 95 }),
  p99: (metric) => ({ kind: "percentile", metric, percentile: 99 }),
};

/** Metrics without a key. */
export function plainMetrics(...metrics: readonly Metric[]): NamedMetric[] {
  return metrics.map((metric) => ({ metric, key: "" }));
}

/** A metric by each of its keys. */
export function keyedMetrics(metric: Metric, keys: readonly string[]): NamedMetric[] {
  return keys.map((key) => ({ metric, key }));
}

/** What to compute of metrics for `distributionOf` to read. */
export function distributionColumns(metrics: readonly NamedMetric[]): Record<string, store.Aggregation> {
  return Object.fromEntries(
    metrics.flatMap((one) =>
      Object.entries(statistics).map(([name, of]) => [`${metricName(one)}_${name}`, of(metricOf(one))]),
    ),
  );
}

/** How a metric is distributed by a row with its columns; undefined when no decision has it. */
export function distributionOf(
  one: NamedMetric,
  row: Readonly<Record<string, unknown>>,
): Distribution | undefined {
  const value = (name: string) => Number(row[`${metricName(one)}_${name}`] ?? 0);
  const count = value("count");
  if (count === 0) return undefined;
  const [mean, min, max] = [value("mean"), value("min"), value("max")];
  return { count: BigInt(count), mean, min, max, p50: value("p50"), p95: value("p95"), p99: value("p99") };
}

/** How those of the metrics are distributed that any of the decisions has. */
export async function distributions(
  ask: Ask,
  { selection, metrics }: { readonly selection: Selection; readonly metrics: readonly NamedMetric[] },
  signal: AbortSignal,
): Promise<MetricDistribution[]> {
  const row = await ask.row({ selection, aggregates: distributionColumns(metrics) }, signal);
  return metrics.flatMap((one) => {
    const distribution = distributionOf(one, row);
    return distribution ? [{ ...one, unit: unitOf(one.metric), distribution }] : [];
  });
}
