import { errors } from "../../../kit/errors.js";
import type { Aggregate, QueryPlan, Value } from "../port.js";
import type { Bucket } from "./buckets.js";
import { isMany, type ManyDimension } from "./columns.js";
import type { Dialect, Source, Statement } from "./dialect.js";
import { type Bind, parametersOf } from "./parameters.js";
import { bucketsOf, type RowColumns, rowColumns } from "./rows.js";

/** A statement that answers a plan. */
export interface CompiledQuery extends Statement {
  /**
   * Makes the plan's rows of what the engine answered, values in the order of the
   * statement's columns. Throws QUERY_TOO_EXPENSIVE when there were more groups
   * than bounds allow.
   */
  read(answer: readonly (readonly unknown[])[]): Value[][];
}

export interface QueryOptions {
  readonly plan: QueryPlan;
  /** Most groups before ordering and limits. */
  readonly maxGroups: number;
  readonly dialect: Dialect;
  readonly source: Source;
}

/**
 * Compiles a plan. Names in the text come from this folder, and everything that
 * a caller gave, columns' names among it, is a parameter or a position.
 */
export function compileQuery({ plan, maxGroups, dialect, source }: QueryOptions): CompiledQuery {
  const { bind, parameters } = parametersOf(dialect);
  const writing = { dialect, source, bind };
  const buckets = bucketsOf(plan, writing);
  const columns = rowColumns(plan, buckets, writing);
  const width = plan.groups.length;
  const counted = plan.aggregates.map((aggregate) => apart(aggregate, plan));
  const joins = counted.map((dimension, n) =>
    dimension ? countedSql(n, dimension, rowColumns(plan, buckets, writing)) : "",
  );
  const outputs = counted.map((dimension, n) =>
    dimension ? `coalesce(x${n}.value, 0) as c${width + n}` : `g.c${width + n}`,
  );
  const sql = `with g as (${groupedSql(plan, columns, { counted, maxGroups, dialect, bind })})
select ${[...columns.groups.map((_, n) => `g.c${n}`), ...outputs].join(", ")}, count(*) over () as total
from g${joins.join("")}
${orderSql(plan)}limit ${bind({ type: "integer", value: plan.limit })} offset ${bind({ type: "integer", value: plan.offset })}`;
  return { sql, parameters, read: (answer) => read(answer, plan, buckets, maxGroups) };
}

/**
 * The dimension that has to be counted apart: rows are decisions, and would
 * become more if every decision had a row for each of its values.
 */
function apart(aggregate: Aggregate, { groups }: QueryPlan): ManyDimension | undefined {
  if (aggregate.kind !== "distinct" || !isMany(aggregate.dimension)) return undefined;
  const { dimension } = aggregate;
  return groups.some((group) => group.kind === "dimension" && group.dimension === dimension)
    ? undefined
    : dimension;
}

interface Grouping {
  readonly counted: readonly (ManyDimension | undefined)[];
  readonly maxGroups: number;
  readonly dialect: Dialect;
  readonly bind: Bind;
}

function groupedSql(plan: QueryPlan, columns: RowColumns, { counted, maxGroups, dialect, bind }: Grouping) {
  const width = plan.groups.length;
  const aggregates = plan.aggregates.flatMap((aggregate, n) =>
    counted[n] ? [] : [`${aggregateSql(aggregate, columns, dialect, bind)} as c${width + n}`],
  );
  const selected = [...columns.groups.map((group, n) => `${group} as c${n}`), ...aggregates];
  // Whatever is counted apart, there is a row without groups.
  if (selected.length === 0) selected.push("count(*) as c");
  return `select ${selected.join(", ")}
  from (${columns.sql()}) as r${groupBy(columns)}
  limit ${bind({ type: "integer", value: maxGroups + 1 })}`;
}

function groupBy({ groups }: RowColumns): string {
  return groups.length === 0 ? "" : `\n  group by ${groups.join(", ")}`;
}

const functions = { average: "avg", sum: "sum", min: "min", max: "max", deviation: "stddev_samp" } as const;

function aggregateSql(aggregate: Aggregate, columns: RowColumns, dialect: Dialect, bind: Bind): string {
  switch (aggregate.kind) {
    case "count":
      return aggregate.metric ? `count(${columns.metric(aggregate.metric)})` : "count(*)";
    case "percentile": {
      const fraction = bind({ type: "number", value: aggregate.percentile / 100 });
      return dialect.percentile(columns.metric(aggregate.metric), fraction);
    }
    case "distinct":
      return `count(distinct ${columns.dimension(aggregate.dimension)})`;
    default:
      return `${functions[aggregate.kind]}(${columns.metric(aggregate.metric)})`;
  }
}

/** Joins how many values a dimension has in each group, over rows that have nothing else. */
function countedSql(n: number, dimension: ManyDimension, columns: RowColumns): string {
  const { groups } = columns;
  const keys = groups.map((group, k) => `${group} as k${k}, `).join("");
  const counts = `(select ${keys}count(distinct ${columns.dimension(dimension)}) as value
  from (${columns.sql(dimension)}) as r${groupBy(columns)}) as x${n}`;
  if (groups.length === 0) return `\ncross join ${counts}`;
  return `\nleft join ${counts} on ${groups.map((_, k) => `x${n}.k${k} = g.c${k}`).join(" and ")}`;
}

/** ORDER BY over columns that are named `c0` and so on, groups first; nothing without any. */
export function orderSql({ groups, aggregates, orders }: QueryPlan): string {
  const names = [...groups, ...aggregates].map(({ name }) => name);
  const positions = orders.map(({ column, descending }) => ({ at: names.indexOf(column), descending }));
  if (positions.some(({ at }) => at < 0))
    throw errors.internal(new Error("order by a column that is not there"));
  const terms = [...positions, ...groups.map((_, at) => ({ at, descending: false }))].map(
    ({ at, descending }) => `c${at} ${descending ? "desc" : "asc"} nulls last`,
  );
  return terms.length === 0 ? "" : `order by ${terms.join(", ")}\n`;
}

function read(
  answer: readonly (readonly unknown[])[],
  plan: QueryPlan,
  buckets: readonly (Bucket | undefined)[],
  maxGroups: number,
): Value[][] {
  const width = plan.groups.length;
  const total = Number(answer[0]?.[width + plan.aggregates.length] ?? 0);
  if (total > maxGroups) throw errors.queryTooExpensive({ bound: `${maxGroups} groups` });
  return answer.map((row) => [
    ...buckets.map((bucket, n) => (bucket ? bucket.begins(Number(row[n])) : String(row[n]))),
    ...plan.aggregates.map((_, n) => numberOf(row[width + n])),
  ]);
}

/** Of no values some engines make null, and others NaN. */
function numberOf(value: unknown): number | null {
  const number = value === null ? Number.NaN : Number(value);
  return Number.isNaN(number) ? null : number;
}
