import type { Aggregate } from "../port.js";
import type { Bind } from "../sql/parameters.js";
import { elementBinSql, elementCountSql, estimateSql } from "./histogram.js";
import { metricName } from "./rollup.js";
import { metricsOf, type Parts } from "./rollup-parts.js";

/** A percentile and the number of its column. */
export type Percentile = Extract<Aggregate, { kind: "percentile" }> & { readonly column: number };

export interface Ranks {
  readonly keys: string;
  readonly width: number;
  readonly percentiles: readonly Percentile[];
  readonly parts: Parts;
  readonly bind: Bind;
}

/** The bins in which the two ranks around a percentile lie, and how far it is from the lower to the upper one. */
export function ranksSql({ keys, width, percentiles, parts, bind }: Ranks): string {
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
export function percentileSql(column: number): string {
  const [lower, upper] = [estimateSql(`q.lower${column}`), estimateSql(`q.upper${column}`)];
  const estimate = `${lower} + (${upper} - ${lower}) * q.part${column}`;
  return `greatest(g.least${column}, least(g.most${column}, ${estimate}))`;
}

/** Joins the ranks to the groups. */
export function joinSql(width: number): string {
  if (width === 0) return "\ncross join q";
  return `\nleft join q on ${Array.from({ length: width }, (_, n) => `q.c${n} = g.c${n}`).join(" and ")}`;
}
