import type { Range, Selection } from "../port.js";
import { metricSql } from "./columns.js";
import type { Dialect, Source } from "./dialect.js";
import type { Bind } from "./parameters.js";

/** What a statement is made with. */
export interface Writing {
  readonly dialect: Dialect;
  readonly source: Source;
  readonly bind: Bind;
}

/** The condition that a decision `d` is selected. */
export function selectionSql(selection: Selection, writing: Writing): string {
  const { dialect, bind } = writing;
  const oneOf = (column: string, values: readonly string[]) =>
    values.length === 0 ? [] : [dialect.isOneOf(column, bind({ type: "texts", value: values }))];
  const { ruleIds, labels } = selection;
  return [
    `d.time >= ${bind({ type: "time", value: selection.from })}`,
    `d.time < ${bind({ type: "time", value: selection.until })}`,
    ...tenantSql("d", selection, writing),
    ...oneOf("d.agent_id", selection.agentIds),
    ...oneOf("d.user_pseudonym", selection.users),
    ...oneOf("d.verdict", selection.verdicts),
    ...oneOf("d.model_version", selection.modelVersions),
    ...(ruleIds.length === 0 ? [] : [dialect.overlap("d.rule_ids", bind({ type: "texts", value: ruleIds }))]),
    ...(labels.length === 0 ? [] : [labelledSql(selection, writing)]),
    ...selection.ranges.map((range) => rangeSql(range, writing)),
  ].join("\n    and ");
}

/** The condition that rows of `alias` are the tenant's; none for every tenant. */
export function tenantSql(alias: string, { tenantId }: Selection, { bind }: Writing): string[] {
  return tenantId === undefined ? [] : [`${alias}.tenant_id = ${bind({ type: "text", value: tenantId })}`];
}

function labelledSql(selection: Selection, writing: Writing): string {
  const { dialect, source, bind } = writing;
  const conditions = [
    dialect.overlap("l.labels", bind({ type: "texts", value: selection.labels })),
    ...tenantSql("l", selection, writing),
  ];
  return `(d.tenant_id, d.decision_id) in (
      select l.tenant_id, l.decision_id from ${source.labels} as l where ${conditions.join(" and ")})`;
}

function rangeSql({ metric, min, max }: Range, { dialect, bind }: Writing): string {
  const value = metricSql(metric, dialect, bind);
  const ends = [
    ...(min === undefined ? [] : [`${value} >= ${bind({ type: "number", value: min })}`]),
    ...(max === undefined ? [] : [`${value} <= ${bind({ type: "number", value: max })}`]),
  ];
  return ends.length === 0 ? `${value} is not null` : ends.join(" and ");
}
