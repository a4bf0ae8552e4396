import type {
  Aggregate,
  DecisionRow,
  Group,
  QueryPlan,
  Selection,
  Value,
} from "../../../services/analytics/store/port.js";
import type { Dimension, Metric, TimeUnit } from "../../../services/analytics/store/terms.js";
import type { Generated } from "./decisions.js";

/** A decision with what was said of it, each once. */
export type Labelled = DecisionRow & { readonly labels: readonly string[] };

/** Decisions with the labels of the greatest version of each feedback. */
export function labelled({ decisions, labels }: Generated): Labelled[] {
  const key = (row: { tenantId: string }, id: string) => `${row.tenantId} ${id}`;
  const newest = new Map<string, Generated["labels"][number]>();
  for (const label of labels) {
    const known = newest.get(key(label, label.feedbackId));
    if (!known || known.version < label.version) newest.set(key(label, label.feedbackId), label);
  }
  const said = new Map<string, Set<string>>();
  for (const label of newest.values()) {
    const decision = key(label, label.decisionId);
    said.set(decision, new Set([...(said.get(decision) ?? []), ...label.labels]));
  }
  return decisions.map((row) => ({ ...row, labels: [...(said.get(key(row, row.decisionId)) ?? [])] }));
}

export function selected(selection: Selection, rows: readonly Labelled[]): Labelled[] {
  const among = (wanted: readonly string[], values: readonly string[]) =>
    wanted.length === 0 || values.some((value) => wanted.includes(value));
  return rows.filter(
    (row) =>
      (selection.tenantId === undefined || row.tenantId === selection.tenantId) &&
      row.time >= selection.from &&
      row.time < selection.until &&
      among(selection.agentIds, [row.agentId]) &&
      among(selection.users, [row.user]) &&
      among(selection.verdicts, [row.verdict]) &&
      among(selection.modelVersions, [row.modelVersion]) &&
      among(selection.ruleIds, row.ruleIds) &&
      among(selection.labels, row.labels) &&
      selection.ranges.every(({ metric, min, max }) => {
        const value = valueOfMetric(row, metric);
        return value !== null && value >= (min ?? -Infinity) && value <= (max ?? Infinity);
      }),
  );
}

/** Answers a plan by walking over decisions, sharing nothing with what compiles it. */
export function direct(plan: QueryPlan, rows: readonly Labelled[]): Value[][] {
  const groups = new Map<string, { readonly names: Value[]; readonly members: Member[] }>();
  if (plan.groups.length === 0) groups.set("[]", { names: [], members: [] });
  for (const row of selected(plan.selection, rows)) {
    for (const member of membersOf(row, plan.groups)) {
      const names = plan.groups.map((group) => nameOf(group, member));
      const key = JSON.stringify(names);
      const group = groups.get(key);
      if (group) group.members.push(member);
      else groups.set(key, { names, members: [member] });
    }
  }
  const answer = [...groups.values()].map(({ names, members }) => [
    ...names,
    ...plan.aggregates.map((aggregate) => aggregateOf(aggregate, members)),
  ]);
  return answer.sort(orderOf(plan)).slice(plan.offset, plan.offset + plan.limit);
}

/** A decision in a group, with the one rule, framework or label that brought it there. */
interface Member {
  readonly row: Labelled;
  readonly by: Readonly<Partial<Record<Dimension, string>>>;
}

function membersOf(row: Labelled, groups: readonly Group[]): Member[] {
  const many = groups.flatMap((group) =>
    group.kind === "dimension" && ["rule", "framework", "label"].includes(group.dimension)
      ? [group.dimension]
      : [],
  );
  return many.reduce<Member[]>(
    (members, dimension) =>
      members.flatMap((member) =>
        member.by[dimension] === undefined
          ? valuesOf(row, dimension).map((value) => ({ row, by: { ...member.by, [dimension]: value } }))
          : [member],
      ),
    [{ row, by: {} }],
  );
}

function valuesOf(row: Labelled, dimension: Dimension): readonly string[] {
  const values = {
    agent: () => [row.agentId],
    user: () => [row.user],
    verdict: () => [row.verdict],
    rule: () => row.ruleIds,
    framework: () => Object.keys(row.frameworks),
    model_version: () => [row.modelVersion],
    label: () => row.labels,
    composer: () => [row.composer],
    policy: () => [row.policyDigest],
    tenant: () => [row.tenantId],
  } satisfies Record<Dimension, () => readonly string[]>;
  return values[dimension]();
}

function nameOf(group: Group, { row, by }: Member): Value {
  if (group.kind === "time") return bucketOf(group.unit, group.timeZone, row.time);
  return by[group.dimension] ?? valuesOf(row, group.dimension)[0] ?? null;
}

function valueOfMetric(row: DecisionRow, metric: Metric): number | null {
  if (metric.kind === "figure") return row.figures[metric.figure];
  return (metric.kind === "stage" ? row.stages : row.frameworks)[metric.key] ?? null;
}

function aggregateOf(aggregate: Aggregate, members: readonly Member[]): Value {
  if (aggregate.kind === "distinct") {
    const { dimension } = aggregate;
    return new Set(
      members.flatMap(({ row, by }) => {
        const value = by[dimension];
        return value === undefined ? valuesOf(row, dimension) : [value];
      }),
    ).size;
  }
  if (aggregate.metric === undefined) return members.length;
  const { metric } = aggregate;
  const values = members.flatMap(({ row }) => valueOfMetric(row, metric) ?? []);
  if (aggregate.kind === "count") return values.length;
  return values.length === 0 ? null : figureOf(aggregate, values);
}

function figureOf(aggregate: Aggregate, values: number[]): number | null {
  const sum = values.reduce((total, value) => total + value, 0);
  const mean = sum / values.length;
  switch (aggregate.kind) {
    case "average":
      return mean;
    case "sum":
      return sum;
    case "min":
      return values.reduce((least, value) => Math.min(least, value));
    case "max":
      return values.reduce((greatest, value) => Math.max(greatest, value));
    case "deviation": {
      if (values.length < 2) return null;
      const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
      return Math.sqrt(squares / (values.length - 1));
    }
    case "percentile":
      return percentileOf(values, aggregate.percentile);
    default:
      throw new Error(`not a figure: ${aggregate.kind}`);
  }
}

function percentileOf(values: readonly number[], percentile: number): number {
  const sorted = Float64Array.from(values).sort();
  const rank = (percentile / 100) * (sorted.length - 1);
  const low = sorted[Math.floor(rank)] ?? Number.NaN;
  const high = sorted[Math.ceil(rank)] ?? Number.NaN;
  return low + (high - low) * (rank - Math.floor(rank));
}

const begins = new Map<string, Date>();
const formats = new Map<string, Intl.DateTimeFormat>();

const quarterMs = 900_000;

/**
 * Where a bucket begins: walking back from a moment in it for as long as clocks
 * show the same. They change at quarters of an hour of UTC alone.
 */
function bucketOf(unit: TimeUnit, timeZone: string, time: Date): Date {
  if (unit === "minute") return new Date(Math.floor(time.getTime() / 60_000) * 60_000);
  let at = Math.floor(time.getTime() / quarterMs) * quarterMs;
  const key = `${unit} ${timeZone} ${at}`;
  const known = begins.get(key);
  if (known) return known;
  const shown = shownOf(unit, timeZone, at);
  for (const step of [86_400_000, 3_600_000, quarterMs]) {
    while (shownOf(unit, timeZone, at - step) === shown) at -= step;
  }
  const begin = new Date(at);
  begins.set(key, begin);
  return begin;
}

/** What is the same for all moments of a bucket. */
function shownOf(unit: TimeUnit, timeZone: string, ms: number): string {
  const format = formats.get(timeZone) ?? formatOf(timeZone);
  formats.set(timeZone, format);
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const { year, month, day, hour, timeZoneName } = parts;
  if (unit === "hour") return [year, month, day, hour, timeZoneName].join(" ");
  if (unit === "day") return [year, month, day].join(" ");
  if (unit === "month") return [year, month].join(" ");
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.toISOString();
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    timeZoneName: "longOffset",
  });
}

function orderOf(plan: QueryPlan): (a: Value[], b: Value[]) => number {
  const names = [...plan.groups, ...plan.aggregates].map(({ name }) => name);
  const terms = [
    ...plan.orders.map(({ column, descending }) => ({ at: names.indexOf(column), descending })),
    ...plan.groups.map((_, at) => ({ at, descending: false })),
  ];
  return (a, b) => {
    for (const { at, descending } of terms) {
      const order = compare(a[at] ?? null, b[at] ?? null, descending);
      if (order !== 0) return order;
    }
    return 0;
  };
}

function compare(a: Value, b: Value, descending: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const order =
    typeof a === "string" && typeof b === "string"
      ? Buffer.compare(Buffer.from(a), Buffer.from(b))
      : Number(a) - Number(b);
  return descending ? -order : order;
}
