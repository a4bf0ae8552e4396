import type { Aggregate, QueryPlan } from "../port.js";
import { isMany, type ManyDimension } from "./columns.js";
import type { RowColumns } from "./rows.js";
import type { Writing } from "./selection.js";

/** What a plan's aggregates are made of. */
export interface AggregateColumns {
  /** Columns of the query that groups, which is named `g`. */
  readonly grouped: readonly string[];
  /** The aggregates in order, over `g` and what is joined to it. */
  readonly outputs: readonly string[];
  /** Joins to `g`. */
  readonly joins: readonly string[];
}

export interface AggregatesOptions {
  readonly plan: QueryPlan;
  readonly columns: RowColumns;
  /** Columns of the same groups and nothing else. */
  bare(): RowColumns;
  readonly writing: Writing;
}

export function aggregateColumns({ plan, columns, bare, writing }: AggregatesOptions): AggregateColumns {
  const grouped: string[] = [];
  const joins: string[] = [];
  const percentiles = percentilesOf(columns, writing);
  const outputs = plan.aggregates.map((aggregate, n) => {
    if (aggregate.kind === "percentile" && writing.dialect.percentiles) return percentiles.of(aggregate);
    const dimension = apart(aggregate, plan);
    if (dimension) {
      joins.push(countedSql(`x${n}`, dimension, bare()));
      return `coalesce(x${n}.value, 0)`;
    }
    grouped.push(`${aggregateSql(aggregate, columns, writing)} as a${n}`);
    return `g.a${n}`;
  });
  return { grouped: [...grouped, ...percentiles.grouped()], outputs, joins };
}

const functions = { average: "avg", sum: "sum", min: "min", max: "max", deviation: "stddev_samp" } as const;

function aggregateSql(aggregate: Aggregate, columns: RowColumns, { dialect, bind }: Writing): string {
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

/** Collects the percentiles of a metric into one array. */
function percentilesOf(columns: RowColumns, { dialect, bind }: Writing) {
  const metrics = new Map<string, string[]>();
  return {
    of({ metric, percentile }: Extract<Aggregate, { kind: "percentile" }>): string {
      const value = columns.metric(metric);
      const fractions = metrics.get(value) ?? [];
      metrics.set(value, fractions);
      fractions.push(bind({ type: "number", value: percentile / 100 }));
      return `g.p${[...metrics.keys()].indexOf(value)}[${fractions.length}]`;
    },
    grouped: () =>
      [...metrics].map(([value, fractions], n) => `${dialect.percentiles?.(value, fractions)} as p${n}`),
  };
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

/** Joins how many values a dimension has in each group. */
function countedSql(name: string, dimension: ManyDimension, columns: RowColumns): string {
  const { groups } = columns;
  const keys = groups.map((group, n) => `${group} as k${n}, `).join("");
  const counts = `(select ${keys}count(distinct ${columns.dimension(dimension)}) as value
  from (${columns.sql(dimension)}) as r${groupBySql(columns)}) as ${name}`;
  if (groups.length === 0) return `\ncross join ${counts}`;
  return `\nleft join ${counts} on ${groups.map((_, n) => `${name}.k${n} = g.c${n}`).join(" and ")}`;
}

export function groupBySql({ groups }: RowColumns): string {
  return groups.length === 0 ? "" : `\n  group by ${groups.join(", ")}`;
}
