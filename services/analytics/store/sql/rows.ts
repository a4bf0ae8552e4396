import type { Group, QueryPlan, Selection } from "../port.js";
import type { Dimension, Metric } from "../terms.js";
import { type Bucket, bucketOf } from "./buckets.js";
import { dimensionSql, isMany, listSql, type ManyDimension, metricName, metricSql } from "./columns.js";
import { selectionSql, tenantSql, type Writing } from "./selection.js";

/**
 * Expressions over rows, which are named `r`: one for each decision, or for each
 * of what a decision has several of where that makes the groups.
 */
export interface RowColumns {
  readonly groups: readonly string[];
  metric(metric: Metric): string;
  dimension(dimension: Dimension): string;
  /** The query of the rows, with what was asked of them so far; `also` multiplies them by one dimension more. */
  sql(also?: ManyDimension): string;
}

/** The buckets of those of the plan's groups that are stretches of time. */
export function bucketsOf({ groups, selection }: QueryPlan, { dialect, bind }: Writing) {
  return groups.map((group) =>
    group.kind === "time" ? bucketOf(group, selection, dialect, bind) : undefined,
  );
}

/** Names every column that a plan needs of the decisions it selects. */
export function rowColumns(
  plan: QueryPlan,
  buckets: readonly (Bucket | undefined)[],
  writing: Writing,
): RowColumns {
  const { dialect, bind } = writing;
  const names = new Map<string, string>();
  const named = (expression: string) => {
    const name = names.get(expression) ?? `v${names.size}`;
    names.set(expression, name);
    return `r.${name}`;
  };
  const metrics = new Map<string, string>();
  const metric = (wanted: Metric) => {
    const key = metricName(wanted);
    const expression = metrics.get(key) ?? metricSql(wanted, dialect, bind);
    metrics.set(key, expression);
    return named(expression);
  };
  const dimension = (wanted: Dimension) =>
    isMany(wanted) ? `r.${elementOf(wanted)}` : named(dimensionSql(wanted));
  const groups = plan.groups.map((group, n) =>
    group.kind === "time"
      ? named(buckets[n]?.sql(dialect.epochMs("d.time")) ?? "null")
      : dimension(group.dimension),
  );
  const sql = (also?: ManyDimension) => rowsSql(names, manyOf(plan.groups, also), plan.selection, writing);
  return { groups, metric, dimension, sql };
}

function manyOf(groups: readonly Group[], also: ManyDimension | undefined): ManyDimension[] {
  const wanted = groups.flatMap((group) =>
    group.kind === "dimension" && isMany(group.dimension) ? [group.dimension] : [],
  );
  return [...new Set(also ? [...wanted, also] : wanted)];
}

const listOf = (dimension: ManyDimension) => `${dimension}_list`;
const elementOf = (dimension: ManyDimension) => `${dimension}_element`;

function rowsSql(
  names: ReadonlyMap<string, string>,
  many: readonly ManyDimension[],
  selection: Selection,
  writing: Writing,
): string {
  const lists = many.filter((dimension) => dimension !== "label");
  const columns = [
    "1 as one",
    ...[...names].map(([expression, name]) => `${expression} as ${name}`),
    ...lists.map((dimension) => `${listSql(dimension, writing.dialect)} as ${listOf(dimension)}`),
    ...(many.includes("label") ? [`s.label as ${elementOf("label")}`] : []),
  ];
  const decisions = `select ${columns.join(", ")}
  from ${writing.source.decisions} as d${many.includes("label") ? saidSql(selection, writing) : ""}
  where ${selectionSql(selection, writing)}`;
  // One list in each SELECT: engines disagree on what two of them make.
  return lists.reduce(
    (rows, dimension) =>
      `select u.*, ${writing.dialect.elements(`u.${listOf(dimension)}`)} as ${elementOf(dimension)}
  from (${rows}) as u`,
    decisions,
  );
}

/** Joins what was said of a decision, each once however many said so. */
function saidSql(selection: Selection, writing: Writing): string {
  const tenant = tenantSql("l", selection, writing);
  const where = tenant.length === 0 ? "" : ` where ${tenant.join(" and ")}`;
  const elements = writing.dialect.elements("l.labels");
  return `
  join (select distinct e.tenant_id, e.decision_id, e.label from (
    select l.tenant_id, l.decision_id, ${elements} as label from ${writing.source.labels} as l${where}
  ) as e) as s on s.tenant_id = d.tenant_id and s.decision_id = d.decision_id`;
}
