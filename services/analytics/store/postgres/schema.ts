import type { PostgresPoolClient } from "kysely";
import type { DecisionRow, LabelRow } from "../port.js";
import type { Source } from "../sql/dialect.js";

/** The schema of the store, beside that of the service. */
export const schema = "analytics_store";

/** A table of the schema, in the schema's name: services have no search path. */
export const tableName = (name: string) => `"${schema}"."${name}"`;

export const source: Source = { decisions: tableName("decisions"), labels: tableName("labels") };

/** Numbers by name as the type `numbers_by_name`. */
interface NumbersByName {
  readonly names: readonly string[];
  readonly numbers: readonly number[];
}

/** The table's row of a decision, for json_populate_recordset. */
export function decisionJson(decision: DecisionRow): Record<string, unknown> {
  return {
    tenant_id: decision.tenantId,
    decision_id: decision.decisionId,
    request_id: decision.requestId,
    time: decision.time,
    arrive_time: decision.arriveTime,
    agent_id: decision.agentId,
    user_pseudonym: decision.user,
    verdict: decision.verdict,
    rule_ids: decision.ruleIds,
    model_version: decision.modelVersion,
    policy_digest: decision.policyDigest,
    composer: decision.composer,
    cached: decision.cached,
    ...decision.figures,
    stages: byName(decision.stages),
    frameworks: byName(decision.frameworks),
  };
}

/** The table's row of a label. */
export function labelJson(label: LabelRow): Record<string, unknown> {
  return {
    tenant_id: label.tenantId,
    feedback_id: label.feedbackId,
    decision_id: label.decisionId,
    version: String(label.version),
    time: label.time,
    labels: label.labels,
  };
}

/** Rows of a table out of the JSON text that is the first parameter. */
export function rowsOf(table: string): string {
  return `json_populate_recordset(null::${tableName(table)}, $1::json)`;
}

/** Inserts rows, as JSON, and tells what the statement returns. */
export async function insertJson<R>(
  client: PostgresPoolClient,
  sql: string,
  rows: readonly unknown[],
): Promise<R[]> {
  return (await client.query<R>(sql, [JSON.stringify(rows)])).rows;
}

function byName(numbers: Readonly<Record<string, number>>): NumbersByName {
  return { names: Object.keys(numbers), numbers: Object.values(numbers) };
}
