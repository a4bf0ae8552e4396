import { errors } from "../../../kit/errors.js";
import type { QueryPlan, Value } from "../port.js";
import { aggregateColumns, groupBySql } from "./aggregates.js";
import type { Bucket } from "./buckets.js";
import { metricName } from "./columns.js";
import type { Dialect, Source, Statement } from "./dialect.js";
import { parametersOf } from "./parameters.js";
import { bucketsOf, rowColumns } from "./rows.js";

/** A statement that answers a plan. */
export interface CompiledQuery extends Statement {
  /**
   * Makes the plan's rows of what the engine answered, values in the order of the
   * statement's columns. Throws QUERY_TOO_EXPENSIVE when there were more groups
   * or values than bounds allow.
   */
  read(answer: readonly (readonly unknown[])[]): Value[][];
}

export interface QueryOptions {
  readonly plan: QueryPlan;
  /** Most groups before ordering and limits. */
  readonly maxGroups: number;
  /**
   * Most values of percentiles, of all groups and metrics together, in engines
   * that hold them in memory without counting it.
   */
  readonly maxValues?: number;
  readonly dialect: Dialect;
  readonly source: Source;
}

/**
 * Compiles a plan. Names in the text come from this folder, and everything that
 * a caller gave, columns' names among it, is a parameter or a position.
 */
export function compileQuery({ plan, dialect, source, ...limits }: QueryOptions): CompiledQuery {
  const { bind, parameters } = parametersOf(dialect);
  const integer = (value: number) => bind({ type: "integer", value });
  const writing = { dialect, source, bind };
  const bounds = boundsOf(plan, limits);
  const buckets = bucketsOf(plan, writing);
  const bare = () => rowColumns(plan, buckets, writing);
  const columns = bare();
  const { grouped, outputs, joins } = aggregateColumns({ plan, columns, bare, writing });
  const keys = columns.groups.map((group, n) => `${group} as c${n}`);
  const values = outputs.map((output, n) => `${output} as c${keys.length + n}`);
  const rows = bounds.rows === undefined ? "" : ` limit ${integer(bounds.rows + 1)}`;
  // Whatever is counted apart, there is a row without groups.
  const sql = `with g as (
  select ${[...keys, ...grouped, "count(*) as decisions"].join(", ")}
  from (${columns.sql()}${rows}) as r${groupBySql(columns)}
  limit ${integer(bounds.groups + 1)}
)
select ${[...keys.map((_, n) => `g.c${n}`), ...values].join(", ")},
  count(*) over () as total, sum(g.decisions) over () as total_rows
from g${joins.join("")}
${orderSql(plan)}limit ${integer(plan.limit)} offset ${integer(plan.offset)}`;
  return { sql, parameters, read: (answer) => read(answer, plan, buckets, bounds) };
}

interface QueryBounds {
  readonly groups: number;
  readonly rows: number | undefined;
}

function boundsOf(
  { aggregates }: QueryPlan,
  { maxGroups, maxValues }: Pick<QueryOptions, "maxGroups" | "maxValues">,
): QueryBounds {
  const percentiles = aggregates.flatMap((one) =>
    one.kind === "percentile" ? [metricName(one.metric)] : [],
  );
  const metrics = new Set(percentiles).size;
  const bounded = maxValues !== undefined && metrics > 0;
  return { groups: maxGroups, rows: bounded ? Math.floor(maxValues / metrics) : undefined };
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
  bounds: QueryBounds,
): Value[][] {
  const width = plan.groups.length;
  const [groups = 0, rows = 0] = answer[0]?.slice(width + plan.aggregates.length).map(Number) ?? [];
  if (bounds.rows !== undefined && rows > bounds.rows) {
    throw errors.queryTooExpensive({ bound: `${bounds.rows} decisions for so many percentiles` });
  }
  if (groups > bounds.groups) throw errors.queryTooExpensive({ bound: `${bounds.groups} groups` });
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
