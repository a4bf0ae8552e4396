import type { Aggregate, QueryPlan, Selection } from "../port.js";
import { type Bucket, bucketOf } from "../sql/buckets.js";
import { metricSql } from "../sql/columns.js";
import type { Statement } from "../sql/dialect.js";
import { type Bind, parametersOf } from "../sql/parameters.js";
import { orderSql } from "../sql/query.js";
import { selectionSql, tenantSql, type Writing } from "../sql/selection.js";
import type { Metric } from "../terms.js";
import type { Piece } from "./cover.js";
import { dialect } from "./dialect.js";
import { binSql, elementBinSql, elementCountSql, elementOf, estimateSql } from "./histogram.js";
import { everyDecision, metricName, type RolledUp } from "./rollup.js";
import { source, tableName } from "./schema.js";
import { seriesColumnOf, seriesColumns } from "./series.js";

export interface RollupQueryOptions {
  readonly plan: QueryPlan;
  readonly pieces: readonly Piece[];
  /** Most groups before ordering and limits. */
  readonly maxGroups: number;
}

/**
 * Compiles a plan to a statement over rollups, and over the decisions at the ends
 * of its time, with the columns of `compileQuery`. Everything is exact but
 * percentiles, which are wrong by 1 % at most where values have one sign.
 */
export function compileRollupQuery({ plan, pieces, maxGroups }: RollupQueryOptions): Statement {
  const { bind, parameters } = parametersOf(dialect);
  const writing = { dialect, source, bind };
  const parts = partsOf(plan.selection, pieces, writing);
  const groups = plan.groups.map((group) =>
    group.kind === "time"
      ? bucketSql(bucketOf(group, plan.selection, dialect, bind))
      : `p.${seriesColumnOf[group.dimension as RolledUp]}`,
  );
  const keys = groups.map((group, n) => `${group} as c${n}, `).join("");
  const aggregates = plan.aggregates.map((aggregate, n) => ({ aggregate, column: groups.length + n }));
  const percentiles = aggregates.flatMap(({ aggregate, column }) =>
    aggregate.kind === "percentile" ? [{ ...aggregate, column }] : [],
  );
  const summed = aggregates.map(({ aggregate, column }) => aggregateSql(aggregate, column, bind));
  const by = groups.length === 0 ? "" : `group by ${groups.map((_, n) => n + 1).join(", ")}`;
  const outputs = aggregates.map(({ aggregate, column }) =>
    aggregate.kind === "percentile" ? percentileSql(column) : `g.c${column}`,
  );
  const sql = `with g as (
  select ${keys}${summed.join(", ")}
  from (${parts(metricsOf(plan.aggregates), false)}) as p
  ${by}
  limit ${bind({ type: "integer", value: maxGroups + 1 })}
)${ranksSql({ keys, width: groups.length, percentiles, parts, bind })}
select ${[...groups.map((_, n) => `g.c${n}`), ...outputs.map((output, n) => `${output} as c${groups.length + n}`)].join(", ")},
  count(*) over () as total
from g${percentiles.length === 0 ? "" : joinSql(groups.length)}
${orderSql(plan)}limit ${bind({ type: "integer", value: plan.limit })} offset ${bind({ type: "integer", value: plan.offset })}`;
  return { sql, parameters };
}

type Percentile = Extract<Aggregate, { kind: "percentile" }> & { readonly column: number };

/** Writes the query of summed-up rows that have one of these metrics, with their histograms where asked. */
type Parts = (metrics: readonly Metric[], binned: boolean) => string;

function metricsOf(aggregates: readonly Aggregate[]): Metric[] {
  const all = aggregates.flatMap((one) => ("metric" in one && one.metric ? [one.metric] : []));
  return [...new Map(all.map((metric) => [metricName(metric), metric])).values()];
}

function bucketSql(bucket: Bucket): string {
  return bucket.sql(dialect.epochMs("p.time"));
}

function partsOf(selection: Selection, pieces: readonly Piece[], writing: Writing): Parts {
  return (metrics, binned) => {
    const names = metrics.map(metricName);
    const wanted = binned ? names : [everyDecision, ...names];
    return pieces
      .map((piece) =>
        piece.rollup
          ? summedSql(piece.rollup.table, within(selection, piece), wanted, binned, writing)
          : singleSql(metrics, within(selection, piece), binned, writing),
      )
      .join("\n  union all ");
  };
}

function within(selection: Selection, { fromMs, untilMs }: Piece): Selection {
  return { ...selection, from: new Date(fromMs), until: new Date(untilMs) };
}

/** Rows of a rollup. */
function summedSql(
  table: string,
  selection: Selection,
  metrics: readonly string[],
  binned: boolean,
  writing: Writing,
): string {
  const { bind } = writing;
  const oneOf = (column: string, values: readonly string[]) =>
    values.length === 0 ? [] : [dialect.isOneOf(column, bind({ type: "texts", value: values }))];
  const conditions = [
    dialect.isOneOf("r.metric", bind({ type: "texts", value: metrics })),
    `r.time >= ${bind({ type: "time", value: selection.from })}`,
    `r.time < ${bind({ type: "time", value: selection.until })}`,
    ...tenantSql("s", selection, writing),
    ...oneOf("s.agent_id", selection.agentIds),
    ...oneOf("s.verdict", selection.verdicts),
    ...oneOf("s.model_version", selection.modelVersions),
  ];
  return `select r.time, ${seriesSql("s")}, r.metric, r.n, r.sum, r.squares, r.min, r.max${binned ? ", r.bins" : ""}
  from ${tableName(table)} as r join ${tableName("series")} as s on s.id = r.series
  where ${conditions.join(" and ")}`;
}

/** Decisions as rows of a rollup that have one each. */
function singleSql(
  metrics: readonly Metric[],
  selection: Selection,
  binned: boolean,
  writing: Writing,
): string {
  const text = (value: string) => writing.bind({ type: "text", value });
  const values = metrics.map(
    (metric) => `(${text(metricName(metric))}, ${metricSql(metric, dialect, writing.bind)})`,
  );
  const all = binned ? values : [`(${text(everyDecision)}, 0::double precision)`, ...values];
  const bins = `, array[${binSql("v.value")} * ${elementOf(1, 0)} + 1] as bins`;
  const one = "1 as n, v.value as sum, 0 as squares, v.value as min, v.value as max";
  return `select d.time, ${seriesSql("d")}, v.metric, ${one}${binned ? bins : ""}
  from ${source.decisions} as d cross join lateral (values ${all.join(", ")}) as v (metric, value)
  where v.value is not null and ${selectionSql(selection, writing)}`;
}

function seriesSql(alias: string): string {
  return seriesColumns.map((column) => `${alias}.${column}`).join(", ");
}

function aggregateSql(aggregate: Aggregate, column: number, bind: Bind): string {
  if (aggregate.kind === "distinct") {
    return `count(distinct p.${seriesColumnOf[aggregate.dimension as RolledUp]}) as c${column}`;
  }
  const name = bind({ type: "text", value: aggregate.metric ? metricName(aggregate.metric) : everyDecision });
  const of = (expression: string) => `${expression} filter (where p.metric = ${name})`;
  const n = `${of("sum(p.n::double precision)")}`;
  switch (aggregate.kind) {
    case "count":
      return `coalesce(${n}, 0) as c${column}`;
    case "average":
      return `${of("sum(p.sum)")} / ${n} as c${column}`;
    case "deviation": {
      // Squared distances from each row's mean, and those of the means from the mean of all.
      const squares = `${of("sum(p.squares + p.sum * p.sum / p.n)")} - ${of("sum(p.sum)")} ^ 2 / ${n}`;
      return `case when ${n} > 1 then sqrt(greatest(${squares}, 0) / (${n} - 1)) end as c${column}`;
    }
    case "percentile":
      return `${of("min(p.min)")} as least${column}, ${of("max(p.max)")} as most${column}`;
    default:
      return `${of(`${aggregate.kind}(p.${aggregate.kind})`)} as c${column}`;
  }
}

interface Ranks {
  readonly keys: string;
  readonly width: number;
  readonly percentiles: readonly Percentile[];
  readonly parts: Parts;
  readonly bind: Bind;
}

/** The bins in which the two ranks around a percentile lie, and how far it is from the lower to the upper one. */
function ranksSql({ keys, width, percentiles, parts, bind }: Ranks): string {
  if (percentiles.length === 0) return "";
  const own = Array.from({ length: width }, (_, n) => `c${n}, `).join("");
  const columns = percentiles.map(({ metric, percentile, column }) => {
    const rank = `(${bind({ type: "number", value: percentile / 100 })} * (total - 1))`;
    const mine = `metric = ${bind({ type: "text", value: metricName(metric) })}`;
    return `min(bin) filter (where ${mine} and upto > floor(${rank})) as lower${column},
    min(bin) filter (where ${mine} and upto > ceil(${rank})) as upper${column},
    max(${rank} - floor(${rank})) filter (where ${mine}) as part${column}`;
  });
  return `, binned as (
  select ${keys}p.metric, ${elementBinSql("element")} as bin, sum(${elementCountSql("element")}::double precision) as n
  from (${parts(metricsOf(percentiles), true)}) as p cross join lateral unnest(p.bins) as element
  group by ${Array.from({ length: width + 2 }, (_, n) => n + 1).join(", ")}
), ranked as (
  select ${own}metric, bin, sum(n) over (partition by ${own}metric order by bin) as upto,
    sum(n) over (partition by ${own}metric) as total
  from binned
), q as (
  select ${own}${columns.join(", ")}
  from ranked${width === 0 ? "" : ` group by ${own.slice(0, -2)}`}
)`;
}

/** Estimates are held to the least and the greatest value, which are known. */
function percentileSql(column: number): string {
  const [lower, upper] = [estimateSql(`q.lower${column}`), estimateSql(`q.upper${column}`)];
  const estimate = `${lower} + (${upper} - ${lower}) * q.part${column}`;
  return `greatest(g.least${column}, least(g.most${column}, ${estimate}))`;
}

function joinSql(width: number): string {
  if (width === 0) return "\ncross join q";
  return `\nleft join q on ${Array.from({ length: width }, (_, n) => `q.c${n} = g.c${n}`).join(" and ")}`;
}
