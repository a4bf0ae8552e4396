import {
  BOOLEAN,
  DOUBLE,
  type DuckDBListValue,
  type DuckDBMapValue,
  type DuckDBType,
  type DuckDBValue,
  LIST,
  listValue,
  MAP,
  mapValue,
  TIMESTAMP,
  timestampValue,
  UBIGINT,
  VARCHAR,
} from "@duckdb/node-api";
import { type DecisionRow, type Figure, figures, type LabelRow } from "../port.js";

/** A column of a table, and what a row has in it. */
export interface Column<Row> {
  readonly name: string;
  readonly type: DuckDBType;
  of(row: Row): DuckDBValue;
}

export const decisionColumns: readonly Column<DecisionRow>[] = [
  { name: "tenant_id", type: VARCHAR, of: (row) => row.tenantId },
  { name: "decision_id", type: VARCHAR, of: (row) => row.decisionId },
  { name: "request_id", type: VARCHAR, of: (row) => row.requestId },
  { name: "time", type: TIMESTAMP, of: (row) => timeValue(row.time) },
  { name: "arrive_time", type: TIMESTAMP, of: (row) => timeValue(row.arriveTime) },
  { name: "agent_id", type: VARCHAR, of: (row) => row.agentId },
  { name: "user_pseudonym", type: VARCHAR, of: (row) => row.user },
  { name: "verdict", type: VARCHAR, of: (row) => row.verdict },
  { name: "rule_ids", type: LIST(VARCHAR), of: (row) => listValue(row.ruleIds) },
  { name: "model_version", type: VARCHAR, of: (row) => row.modelVersion },
  { name: "policy_digest", type: VARCHAR, of: (row) => row.policyDigest },
  { name: "composer", type: VARCHAR, of: (row) => row.composer },
  { name: "cached", type: BOOLEAN, of: (row) => row.cached },
  ...figures.map((figure) => ({
    name: figure,
    type: DOUBLE,
    of: (row: DecisionRow) => row.figures[figure],
  })),
  { name: "stages", type: MAP(VARCHAR, DOUBLE), of: (row) => numbersValue(row.stages) },
  { name: "frameworks", type: MAP(VARCHAR, DOUBLE), of: (row) => numbersValue(row.frameworks) },
];

export const labelColumns: readonly Column<LabelRow>[] = [
  { name: "tenant_id", type: VARCHAR, of: (row) => row.tenantId },
  { name: "decision_id", type: VARCHAR, of: (row) => row.decisionId },
  { name: "feedback_id", type: VARCHAR, of: (row) => row.feedbackId },
  { name: "version", type: UBIGINT, of: (row) => row.version },
  { name: "time", type: TIMESTAMP, of: (row) => timeValue(row.time) },
  { name: "labels", type: LIST(VARCHAR), of: (row) => listValue(row.labels) },
];

/** The columns of a table as its definition lists them. */
export function definitionOf(columns: readonly Pick<Column<never>, "name" | "type">[]): string {
  return columns.map(({ name, type }) => `${name} ${type} ${nullable(name)}`.trim()).join(", ");
}

function nullable(name: string): string {
  return (figures as readonly string[]).includes(name) ? "" : "not null";
}

export function timeValue(time: Date) {
  return timestampValue(BigInt(time.getTime()) * 1000n);
}

function numbersValue(numbers: Readonly<Record<string, number>>) {
  return mapValue(Object.entries(numbers).map(([key, value]) => ({ key, value })));
}

/** The expressions over a decision `d` that `decisionOf` reads. */
export const decisionSelect = decisionColumns
  .map(({ name, type }) => (type === TIMESTAMP ? `epoch_ms(d.${name})` : `d.${name}`))
  .join(", ");

/** A decision of the values of `decisionSelect`. */
export function decisionOf(values: readonly DuckDBValue[]): DecisionRow {
  const [tenantId, decisionId, requestId, time, arriveTime, agentId, user, verdict, rules, ...rest] = values;
  const [modelVersion, policyDigest, composer, cached, ...numbers] = rest;
  const [stages, frameworks] = numbers.slice(figures.length);
  return {
    tenantId: String(tenantId),
    decisionId: String(decisionId),
    requestId: String(requestId),
    time: new Date(Number(time)),
    arriveTime: new Date(Number(arriveTime)),
    agentId: String(agentId),
    user: String(user),
    verdict: String(verdict),
    ruleIds: (rules as DuckDBListValue).items.map(String),
    modelVersion: String(modelVersion),
    policyDigest: String(policyDigest),
    composer: String(composer),
    cached: cached === true,
    figures: Object.fromEntries(figures.map((figure, n) => [figure, numbers[n] ?? null])) as Record<
      Figure,
      number | null
    >,
    stages: numbersOf(stages),
    frameworks: numbersOf(frameworks),
  };
}

function numbersOf(value: DuckDBValue | undefined): Record<string, number> {
  const { entries } = value as DuckDBMapValue;
  return Object.fromEntries(entries.map((entry) => [String(entry.key), Number(entry.value)]));
}
