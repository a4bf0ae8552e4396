import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type {
  AnalyticsService,
  MetricDistributionSchema,
  PerformancePointSchema,
} from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { Metric } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import type { Clock } from "../../kit/clock.js";
import { principalOf } from "../../kit/context.js";
import type { Ask, Row } from "../domain/ask.js";
import { distributions, keyedMetrics, plainMetrics } from "../domain/distributions.js";
import { stageNames } from "../domain/engine-names.js";
import { courseOf, periodOf, secondsOf } from "../domain/period.js";
import type { Aggregation } from "../store/terms.js";
import { selectedBy } from "./selected-by.js";

const times = plainMetrics(Metric.TOTAL_TIME, Metric.PROCESSING_TIME, Metric.QUEUE_TIME);
const stages = keyedMetrics(Metric.STAGE_TIME, stageNames);
const resources = plainMetrics(
  Metric.CPU_SHARE,
  Metric.MEMORY_SHARE,
  Metric.GPU_SHARE,
  Metric.QUANTUM_COHERENCE,
);
const total = { kind: "figure", figure: "total_ms" } as const;
const course = {
  decisions: { kind: "count" },
  p50: { kind: "percentile", metric: total, percentile: 50 },
  p95: { kind: "percentile", metric: total, percentile: 95 },
} satisfies Record<string, Aggregation>;

/** Handles GetPerformance. */
export function getPerformance({
  ask,
  clock,
}: {
  readonly ask: Ask;
  readonly clock: Clock;
}): ServiceImpl<typeof AnalyticsService>["getPerformance"] {
  return async (request, context) => {
    const { signal } = context;
    const period = periodOf(request, clock.now());
    const selection = selectedBy(request, principalOf(context), period);
    const group = courseOf(period);
    const [all, timesOf, stagesOf, resourcesOf, points] = await Promise.all([
      ask.row({ selection, aggregates: { decisions: course.decisions } }, signal),
      distributions(ask, { selection, metrics: times }, signal),
      distributions(ask, { selection, metrics: stages }, signal),
      distributions(ask, { selection, metrics: resources }, signal),
      ask.rows({ selection, groups: [group], aggregates: course }, signal),
    ]);
    const decisions = all.decisions ?? 0;
    return {
      decisions: BigInt(decisions),
      decisionsPerSecond: decisions / secondsOf(period),
      times: timesOf,
      stages: stagesOf.sort(byMean),
      resources: resourcesOf,
      series: points.map(pointOf),
    };
  };
}

type MetricDistribution = MessageInitShape<typeof MetricDistributionSchema>;

function byMean(a: MetricDistribution, b: MetricDistribution): number {
  return (b.distribution?.mean ?? 0) - (a.distribution?.mean ?? 0);
}

function pointOf(row: Row<keyof typeof course>): MessageInitShape<typeof PerformancePointSchema> {
  return {
    time: timestampFromDate(row.time as Date),
    decisions: BigInt(row.decisions ?? 0),
    p50Ms: row.p50 ?? 0,
    p95Ms: row.p95 ?? 0,
  };
}
