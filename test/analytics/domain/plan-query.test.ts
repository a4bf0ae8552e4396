import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import {
  AggregateFunction,
  QueryRequestSchema,
  TimeUnit,
} from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { Dimension, Metric, MetricSchema } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { planQuery } from "../../../services/analytics/domain/plan-query.js";
import { createPseudonyms } from "../../../services/analytics/domain/pseudonyms.js";
import { thrownBy } from "../../support/expect-reason.js";

const pseudonyms = createPseudonyms(Buffer.alloc(32, 1));
const day = { from: new Date("2026-03-01T00:00:00Z"), until: new Date("2026-03-02T00:00:00Z") };
const count = { function: AggregateFunction.COUNT };

type Asked = MessageInitShape<typeof QueryRequestSchema>;

function plan(asked: Asked, { allTenants = false, period = day } = {}) {
  const timeRange = {
    startTime: timestampFromDate(period.from),
    endTime: timestampFromDate(period.until),
  };
  const request = create(QueryRequestSchema, { timeRange, aggregations: [count], ...(asked as object) });
  return planQuery(request, { tenantId: allTenants ? undefined : "acme", pseudonyms });
}

const planAll = (asked: Asked) => plan(asked, { allTenants: true });

const group = (dimension: Dimension) => ({ by: { case: "dimension" as const, value: dimension } });
const time = (unit: TimeUnit, timeZone = "") => ({
  by: { case: "time" as const, value: { unit, timeZone } },
});
const of = (fn: AggregateFunction, metric: Metric, more = {}) => ({ function: fn, metric, ...more });

describe("a query", () => {
  it("is planned over the caller's tenant, with a column of each group and aggregation, and its unit", () => {
    const { plan: planned, columns } = plan({
      groupBy: [time(TimeUnit.HOUR, "Europe/Vienna"), group(Dimension.VERDICT)],
      aggregations: [
        count,
        of(AggregateFunction.PERCENTILE, Metric.TOTAL_TIME, { percentile: 99.9 }),
        of(AggregateFunction.AVERAGE, Metric.STAGE_TIME, { key: "retrieve" }),
        of(AggregateFunction.SUM, Metric.COST, { name: "spent" }),
        of(AggregateFunction.COUNT, Metric.QUALITY),
        { function: AggregateFunction.DISTINCT, dimension: Dimension.USER },
      ],
      orderBy: [{ column: "spent", descending: true }],
    });
    expect(columns).toEqual([
      { name: "hour", unit: "time" },
      { name: "verdict", unit: "" },
      { name: "count", unit: "count" },
      { name: "percentile_99_9_total_time", unit: "ms" },
      { name: "average_stage_time_retrieve", unit: "ms" },
      { name: "spent", unit: "currency" },
      { name: "count_quality", unit: "count" },
      { name: "distinct_user", unit: "count" },
    ]);
    expect(planned).toMatchObject({
      selection: { tenantId: "acme", ...day },
      groups: [{ kind: "time", unit: "hour", timeZone: "Europe/Vienna" }, { dimension: "verdict" }],
      orders: [{ column: "spent", descending: true }],
    });
    expect(planned.aggregates.slice(1, 3)).toEqual([
      {
        name: "percentile_99_9_total_time",
        kind: "percentile",
        percentile: 99.9,
        metric: { kind: "figure", figure: "total_ms" },
      },
      {
        name: "average_stage_time_retrieve",
        kind: "average",
        metric: { kind: "stage", key: "retrieve" },
      },
    ]);
  });

  it("can ask for every metric", () => {
    for (const { number } of MetricSchema.values.filter((value) => value.number !== 0)) {
      const key = [Metric.STAGE_TIME, Metric.FRAMEWORK_SCORE].includes(number) ? "care" : "";
      const { columns } = plan({ aggregations: [of(AggregateFunction.MAX, number, { key })] });
      expect(columns[0]?.unit).toMatch(/^(ms|1|tokens|currency|count)$/);
    }
  });

  it("finds accounts by id or by pseudonym in the tenant, and by pseudonym alone in all of them", () => {
    const ann = pseudonyms.of("acme", "ann");
    const users = (userIds: string[]) => plan({ filter: { userIds } }).plan.selection.users;
    expect(users(["ann"])).toEqual([ann]);
    expect(users([ann])).toContain(ann);
    expect(planAll({ filter: { userIds: [ann] } }).plan.selection.users).toEqual([ann]);
    expect(thrownBy(() => planAll({ filter: { userIds: [ann, "ann"] } }))).toMatchObject({
      reason: "QUERY_INVALID",
      metadata: { field: "filter.user_ids[1]" },
    });
  });

  it("selects by every part of its filter", () => {
    const filter = {
      agentIds: [""],
      verdicts: [Verdict.CHECK_UNAVAILABLE],
      ruleIds: ["harm.fraud"],
      labels: ["verdict_right"],
      modelVersions: ["2"],
      ranges: [{ metric: Metric.QUALITY, min: 0.5 }],
    };
    expect(plan({ filter }).plan.selection).toMatchObject({
      agentIds: [""],
      verdicts: ["check_unavailable"],
      ruleIds: ["harm.fraud"],
      labels: ["verdict_right"],
      modelVersions: ["2"],
      ranges: [{ metric: { kind: "figure", figure: "quality" }, min: 0.5, max: undefined }],
    });
  });

  it("counts tenants for all of them alone", () => {
    expect(planAll({ groupBy: [group(Dimension.TENANT)] }).columns[0]).toEqual({ name: "tenant", unit: "" });
    expect(refused({ groupBy: [group(Dimension.TENANT)] })).toBe("group_by[0].dimension");
    const distinct = { function: AggregateFunction.DISTINCT, dimension: Dimension.TENANT };
    expect(refused({ aggregations: [distinct] })).toBe("aggregations[0].dimension");
  });

  it.each<[string, string, Asked]>([
    [
      "a zone that is none",
      "group_by[0].time.time_zone",
      { groupBy: [time(TimeUnit.DAY, "Europe/Atlantis")] },
    ],
    ["a group twice", "group_by[1]", { groupBy: [group(Dimension.AGENT), group(Dimension.AGENT)] }],
    ["an aggregation twice", "aggregations[1].name", { aggregations: [count, count] }],
    [
      "a name that a group has",
      "aggregations[0].name",
      { groupBy: [group(Dimension.AGENT)], aggregations: [{ ...count, name: "agent" }] },
    ],
    ["an order by no column", "order_by[0].column", { orderBy: [{ column: "cost" }] }],
    [
      "an average of nothing",
      "aggregations[0].metric",
      { aggregations: [{ function: AggregateFunction.AVERAGE }] },
    ],
    [
      "a percentile of no rank",
      "aggregations[0].percentile",
      { aggregations: [of(AggregateFunction.PERCENTILE, Metric.COST)] },
    ],
    [
      "a rank of no percentile",
      "aggregations[0].percentile",
      { aggregations: [of(AggregateFunction.MAX, Metric.COST, { percentile: 5 })] },
    ],
    [
      "a stage without its name",
      "aggregations[0].key",
      { aggregations: [of(AggregateFunction.MAX, Metric.STAGE_TIME)] },
    ],
    [
      "a key of a metric that has none",
      "aggregations[0].key",
      { aggregations: [of(AggregateFunction.MAX, Metric.COST, { key: "mask" })] },
    ],
    [
      "distinct values of nothing",
      "aggregations[0].dimension",
      { aggregations: [{ function: AggregateFunction.DISTINCT }] },
    ],
    [
      "distinct values of a metric",
      "aggregations[0].metric",
      { aggregations: [of(AggregateFunction.DISTINCT, Metric.COST, { dimension: Dimension.USER })] },
    ],
    [
      "a dimension of no distinct",
      "aggregations[0].dimension",
      { aggregations: [{ ...count, dimension: Dimension.USER }] },
    ],
    [
      "a name by default that is too long",
      "aggregations[0].name",
      { aggregations: [of(AggregateFunction.AVERAGE, Metric.FRAMEWORK_SCORE, { key: "k".repeat(64) })] },
    ],
    ["a range of everything", "filter.ranges[0]", { filter: { ranges: [{ metric: Metric.COST }] } }],
    [
      "a range of nothing",
      "filter.ranges[0]",
      { filter: { ranges: [{ metric: Metric.COST, min: 2, max: 1 }] } },
    ],
    [
      "a range of a stage without its name",
      "filter.ranges[0].key",
      { filter: { ranges: [{ metric: Metric.STAGE_TIME, min: 2 }] } },
    ],
  ])("is refused with %s, at %s", (_, field, asked) => {
    expect(refused(asked)).toBe(field);
  });

  it("may ask for ten thousand stretches of time, and no more", () => {
    const years = (n: number) => ({ from: day.from, until: new Date(Date.UTC(2026 + n, 2, 1)) });
    const asked = { groupBy: [time(TimeUnit.DAY)] };
    expect(plan(asked, { period: years(27) }).columns).toHaveLength(2);
    expect(thrownBy(() => plan(asked, { period: years(28) }))).toMatchObject({
      code: "FailedPrecondition",
      reason: "QUERY_TOO_EXPENSIVE",
    });
    const minutes = { groupBy: [time(TimeUnit.MINUTE)] };
    expect(thrownBy(() => plan(minutes, { period: years(1) })).reason).toBe("QUERY_TOO_EXPENSIVE");
  });
});

/** The field that QUERY_INVALID names. */
function refused(asked: Asked): string | undefined {
  const { code, reason, metadata } = thrownBy(() => plan(asked));
  expect({ code, reason }).toEqual({ code: "InvalidArgument", reason: "QUERY_INVALID" });
  return metadata.field;
}
