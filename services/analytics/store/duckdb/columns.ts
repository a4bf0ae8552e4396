import {
  BOOLEAN,
  DOUBLE,
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

/** An expression over a decision `d`: all of it as JSON, which is cheaper to fetch than thirty values of DuckDB. */
export const decisionJson = `json_array(${decisionColumns.map(({ name, type }) => plain(`d.${name}`, type)).join(", ")})::varchar`;

function plain(column: string, type: DuckDBType): string {
  return type === TIMESTAMP ? `epoch_ms(${column})` : column;
}

/** The decision of a value of `decisionJson`. */
export function decisionOf(json: DuckDBValue): DecisionRow {
  const values = JSON.parse(String(json));
  const [tenantId, decisionId, requestId, time, arriveTime, agentId, user, verdict, ruleIds] = values;
  const [modelVersion, policyDigest, composer, cached] = values.slice(9);
  const [stages, frameworks] = values.slice(figuresAt + figures.length);
  return {
    tenantId,
    decisionId,
    requestId,
    time: new Date(time),
    arriveTime: new Date(arriveTime),
    agentId,
    user,
    verdict,
    ruleIds,
    modelVersion,
    policyDigest,
    composer,
    cached,
    figures: figuresOf(values),
    stages,
    frameworks,
  };
}

const figuresAt = decisionColumns.findIndex(({ name }) => name === figures[0]);

function figuresOf(values: readonly (number | null)[]): DecisionRow["figures"] {
  const row: Partial<Record<Figure, number | null>> = {};
  for (const [n, figure] of figures.entries()) row[figure] = values[figuresAt + n] ?? null;
  return row as DecisionRow["figures"];
}
