import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type {
  AnalyticsService,
  ConsciousnessPointSchema,
} from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { Metric } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import type { Clock } from "../../kit/clock.js";
import { principalOf } from "../../kit/context.js";
import type { Ask, Row } from "../domain/ask.js";
import { distributions, keyedMetrics, plainMetrics } from "../domain/distributions.js";
import { frameworkNames } from "../domain/engine-names.js";
import { courseOf, periodOf } from "../domain/period.js";
import type { Figure, Group } from "../store/port.js";
import type { Aggregation, Dimension } from "../store/terms.js";
import { selectedBy } from "./selected-by.js";

const scores = plainMetrics(
  Metric.AWARENESS,
  Metric.ETHICAL_SCORE,
  Metric.CREATIVITY,
  Metric.QUALITY,
  Metric.CONFIDENCE,
  Metric.REFLECTION_DEPTH,
);
const frameworks = keyedMetrics(Metric.FRAMEWORK_SCORE, frameworkNames);
const mostRules = 20;
const count = { decisions: { kind: "count" } } satisfies Record<string, Aggregation>;
const average = (figure: Figure): Aggregation => ({ kind: "average", metric: { kind: "figure", figure } });
const course = {
  ...count,
  quality: average("quality"),
  ethical_score: average("ethical_score"),
  confidence: average("confidence"),
};

/** Handles GetConsciousness. */
export function getConsciousness({
  ask,
  clock,
}: {
  readonly ask: Ask;
  readonly clock: Clock;
}): ServiceImpl<typeof AnalyticsService>["getConsciousness"] {
  return async (request, context) => {
    const { signal } = context;
    const period = periodOf(request, clock.now());
    const selection = selectedBy(request, principalOf(context), period);
    const group = courseOf(period);
    const orders = [{ column: "decisions", descending: true }];
    const byRule = { selection, groups: [groupBy("rule")], aggregates: count, orders, limit: mostRules };
    const [verdicts, scoresOf, frameworksOf, rules, points] = await Promise.all([
      ask.rows({ selection, groups: [groupBy("verdict")], aggregates: count }, signal),
      distributions(ask, { selection, metrics: scores }, signal),
      distributions(ask, { selection, metrics: frameworks }, signal),
      ask.rows(byRule, signal),
      ask.rows({ selection, groups: [group], aggregates: course }, signal),
    ]);
    return {
      decisions: verdicts.reduce((sum, row) => sum + countOf(row), 0n),
      verdicts: Object.fromEntries(verdicts.map((row) => [String(row.verdict), countOf(row)])),
      scores: scoresOf,
      frameworks: frameworksOf,
      rules: rules.map((row) => ({ ruleId: String(row.rule), decisions: countOf(row) })),
      series: points.map(pointOf),
    };
  };
}

function groupBy(dimension: Dimension): Group {
  return { name: dimension, kind: "dimension", dimension };
}

function countOf({ decisions }: Row<"decisions">): bigint {
  return BigInt(decisions ?? 0);
}

function pointOf(row: Row<keyof typeof course>): MessageInitShape<typeof ConsciousnessPointSchema> {
  return {
    time: timestampFromDate(row.time as Date),
    decisions: countOf(row),
    ...(row.quality !== null && { meanQuality: row.quality }),
    ...(row.ethical_score !== null && { meanEthicalScore: row.ethical_score }),
    ...(row.confidence !== null && { meanConfidence: row.confidence }),
  };
}
