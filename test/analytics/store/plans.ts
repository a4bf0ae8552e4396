import fc from "fast-check";
import {
  type Aggregate,
  figures,
  type Group,
  type QueryPlan,
  type Selection,
} from "../../../services/analytics/store/port.js";
import type { Aggregation, Dimension, Metric, TimeUnit } from "../../../services/analytics/store/terms.js";
import * as generated from "./decisions.js";

export const dimensions: readonly Dimension[] = [
  "agent",
  "user",
  "verdict",
  "rule",
  "framework",
  "model_version",
  "label",
  "composer",
  "policy",
  "tenant",
];

const units: readonly TimeUnit[] = ["hour", "day", "week", "month"];

/** Whole, half and quarter hours from UTC; in Havana midnight comes twice a year, in Cairo once a year not at all. */
const zones = [
  "UTC",
  "Europe/Vienna",
  "America/New_York",
  "Asia/Kathmandu",
  "America/Havana",
  "Africa/Cairo",
];

const quality: Metric = { kind: "figure", figure: "quality" };
const gpu: Metric = { kind: "figure", figure: "gpu_share" };
const compose: Metric = { kind: "stage", key: "compose" };
const justice: Metric = { kind: "framework", key: "justice" };
const metrics = [quality, gpu, compose, justice];

const aggregations: readonly Aggregation[] = [
  { kind: "count" },
  ...metrics.flatMap((metric): Aggregation[] => [
    { kind: "count", metric },
    { kind: "average", metric },
    { kind: "sum", metric },
    { kind: "min", metric },
    { kind: "max", metric },
    { kind: "deviation", metric },
    ...[0, 12.5, 50, 95, 99, 100].map(
      (percentile): Aggregation => ({ kind: "percentile", metric, percentile }),
    ),
  ]),
  ...dimensions.map((dimension): Aggregation => ({ kind: "distinct", dimension })),
];

/** Every way to make a value. */
export const everyAggregate: readonly Aggregate[] = aggregations.map((aggregation, n) => ({
  ...aggregation,
  name: `a${n}`,
}));

/** Every way that takes one walk over the decisions. */
export const plainAggregates: readonly Aggregate[] = everyAggregate.filter(
  (aggregate) =>
    aggregate.kind !== "distinct" || !["rule", "framework", "label"].includes(aggregate.dimension),
);

/** None, every dimension, every unit of time, every zone, and some together. */
export const someGroupings: readonly (readonly Group[])[] = [
  [],
  ...dimensions.map((dimension) => [by(dimension)]),
  [bucket("minute", "UTC")],
  [bucket("hour", "Asia/Kathmandu")],
  [bucket("hour", "Europe/Vienna")],
  [bucket("day", "America/Havana")],
  [bucket("day", "Africa/Cairo")],
  [bucket("week", "America/New_York")],
  [by("verdict"), by("rule")],
  [by("rule"), by("label"), by("framework")],
  [bucket("month", "Europe/Vienna"), by("label")],
  [bucket("week", "UTC"), bucket("day", "America/Havana"), by("agent"), by("user"), by("composer")],
];

/** The same, and every unit of time in every zone. */
export const everyGrouping: readonly (readonly Group[])[] = [
  ...someGroupings,
  ...units.flatMap((unit) => zones.map((timeZone) => [bucket(unit, timeZone)])),
];

/** Each filter alone, ends of time, values that nobody has, and several together. */
export function everySelection(tenantId: string): readonly Selection[] {
  const all = allOf(tenantId);
  return [
    all,
    { ...all, agentIds: ["", generated.agentIds[1] ?? ""] },
    { ...all, users: ["u_d'or", 'u_e"f', "u_nobody"] },
    { ...all, verdicts: ["blocked"] },
    { ...all, ruleIds: ["fraud", "o'rule"] },
    { ...all, labels: ["answer_correct", "verdict_wrong"] },
    { ...all, modelVersions: ["2026.2"] },
    { ...all, ranges: [{ metric: quality, min: 0.25, max: 0.75 }] },
    {
      ...all,
      ranges: [
        { metric: compose, min: undefined, max: 20 },
        { metric: gpu, min: undefined, max: undefined },
      ],
    },
    { ...all, from: new Date("2026-04-30T22:00:00Z"), until: new Date("2026-05-01T02:00:00Z") },
    {
      ...all,
      from: new Date("2026-10-25T00:30:00Z"),
      until: new Date("2026-11-01T12:00:00Z"),
      verdicts: ["approved"],
    },
    {
      ...all,
      verdicts: ["blocked", "modified"],
      ruleIds: ["fraud"],
      labels: ["answer_wrong"],
      ranges: [{ metric: justice, min: 0.1, max: undefined }],
    },
    { ...all, users: ["u_nobody"] },
    { ...all, from: new Date("1999-01-01T00:00:00Z"), until: new Date("1999-02-01T00:00:00Z") },
  ];
}

/** Everything of a tenant, or of all without one. */
export function allOf(tenantId: string | undefined): Selection {
  return {
    tenantId,
    from: new Date("2026-01-01T00:00:00Z"),
    until: new Date("2027-01-01T00:00:00Z"),
    agentIds: [],
    users: [],
    verdicts: [],
    ruleIds: [],
    labels: [],
    modelVersions: [],
    ranges: [],
  };
}

export function planOf(
  selection: Selection,
  groups: readonly Group[],
  aggregates = everyAggregate,
): QueryPlan {
  return { selection, groups, aggregates, orders: [], offset: 0, limit: 1_000_000 };
}

export function by(dimension: Dimension): Group {
  return { name: `by_${dimension}`, kind: "dimension", dimension };
}

export function bucket(unit: TimeUnit, timeZone: string): Group {
  return { name: `by_${unit}`, kind: "time", unit, timeZone };
}

/** Plans of every shape, ordered by columns in which no two engines round. */
export function anyPlan(tenantIds: readonly (string | undefined)[]): fc.Arbitrary<QueryPlan> {
  const selection = fc.constantFrom(...tenantIds).chain(anySelection);
  const groups = fc.uniqueArray(anyGroup, { maxLength: 3, selector: ({ name }) => name });
  const aggregates = fc
    .array(anyAggregation, { minLength: 1, maxLength: 5 })
    .map((chosen) => chosen.map((aggregation, n): Aggregate => ({ ...aggregation, name: `a${n}` })));
  return fc
    .record({ selection, groups, aggregates, offset: fc.nat(20), limit: fc.integer({ min: 1, max: 50 }) })
    .chain((plan) => anyOrders(plan).map((orders) => ({ ...plan, orders })));
}

type Orders = QueryPlan["orders"];

function anyOrders({ groups, aggregates }: Pick<QueryPlan, "groups" | "aggregates">): fc.Arbitrary<Orders> {
  const exact = aggregates.filter(({ kind }) => ["count", "min", "max", "distinct"].includes(kind));
  const columns = [...groups, ...exact].map(({ name }) => name);
  if (columns.length === 0) return fc.constant([]);
  const order = fc.record({ column: fc.constantFrom(...columns), descending: fc.boolean() });
  return fc.array(order, { maxLength: 3 });
}

const anyMetric: fc.Arbitrary<Metric> = fc.oneof(
  fc.constantFrom(...figures).map((figure): Metric => ({ kind: "figure", figure })),
  fc.constantFrom(...generated.stages, "no_stage").map((key): Metric => ({ kind: "stage", key })),
  fc.constantFrom(...generated.frameworks).map((key): Metric => ({ kind: "framework", key })),
);

const anyAggregation: fc.Arbitrary<Aggregation> = fc.oneof(
  fc.constant<Aggregation>({ kind: "count" }),
  fc.record({
    kind: fc.constantFrom("count", "average", "sum", "min", "max", "deviation"),
    metric: anyMetric,
  }),
  fc.record({
    kind: fc.constant("percentile" as const),
    metric: anyMetric,
    percentile: fc.double({ min: 0, max: 100, noNaN: true }),
  }),
  fc.record({ kind: fc.constant("distinct" as const), dimension: fc.constantFrom(...dimensions) }),
);

const anyGroup: fc.Arbitrary<Group> = fc.oneof(
  fc.constantFrom(...dimensions).map(by),
  fc
    .tuple(fc.constantFrom<TimeUnit>("minute", ...units), fc.constantFrom(...zones))
    .map(([unit, zone]) => bucket(unit, zone)),
);

function anySelection(tenantId: string | undefined): fc.Arbitrary<Selection> {
  const someOf = (values: readonly string[]) =>
    fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray([...values], { minLength: 1 }));
  const moment = fc.date({
    min: generated.generatedFrom,
    max: generated.generatedUntil,
    noInvalidDate: true,
  });
  const end = fc.option(fc.double({ min: 0, max: 50, noNaN: true }), { nil: undefined });
  return fc
    .record({
      times: fc.tuple(moment, moment),
      agentIds: someOf(generated.agentIds),
      users: someOf(generated.users),
      verdicts: someOf(generated.verdicts),
      ruleIds: someOf(generated.ruleIds),
      labels: someOf(generated.saidLabels),
      modelVersions: someOf(generated.modelVersions),
      ranges: fc.array(fc.record({ metric: anyMetric, min: end, max: end }), { maxLength: 1 }),
    })
    .map(({ times, ...filters }) => {
      const [from = times[0], until = times[1]] = [...times].sort((a, b) => Number(a) - Number(b));
      return { tenantId, from, until, ...filters };
    });
}
