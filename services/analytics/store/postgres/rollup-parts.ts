import type { Aggregate, Selection } from "../port.js";
import { metricSql } from "../sql/columns.js";
import { selectionSql, tenantSql, type Writing } from "../sql/selection.js";
import type { Metric } from "../terms.js";
import type { Piece } from "./cover.js";
import { dialect } from "./dialect.js";
import { binSql, elementOf } from "./histogram.js";
import { everyDecision, metricName } from "./rollup.js";
import { source, tableName } from "./schema.js";
import { seriesColumns } from "./series.js";

/** Writes the query of summed-up rows that have one of these metrics, with their histograms where asked. */
export type Parts = (metrics: readonly Metric[], binned: boolean) => string;

/** The metrics of aggregates, each once. */
export function metricsOf(aggregates: readonly Aggregate[]): Metric[] {
  const all = aggregates.flatMap((one) => ("metric" in one && one.metric ? [one.metric] : []));
  return [...new Map(all.map((metric) => [metricName(metric), metric])).values()];
}

/** Puts together what is summed up in each piece of a plan's time. */
export function partsOf(selection: Selection, pieces: readonly Piece[], writing: Writing): Parts {
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
