import type { Aggregate, QueryPlan } from "../port.js";
import { type Bucket, bucketOf } from "../sql/buckets.js";
import type { Statement } from "../sql/dialect.js";
import { type Bind, parametersOf } from "../sql/parameters.js";
import { orderSql } from "../sql/query.js";
import type { Piece } from "./cover.js";
import { dialect } from "./dialect.js";
import { everyDecision, metricName, type RolledUp } from "./rollup.js";
import { metricsOf, partsOf } from "./rollup-parts.js";
import { joinSql, percentileSql, ranksSql } from "./rollup-percentiles.js";
import { source } from "./schema.js";
import { seriesColumnOf } from "./series.js";

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

function bucketSql(bucket: Bucket): string {
  return bucket.sql(dialect.epochMs("p.time"));
}
