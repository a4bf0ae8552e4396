import type { PostgresPoolClient } from "kysely";
import type { DecisionRow } from "../port.js";
import { insertJson, rowsOf, tableName } from "./schema.js";

/**
 * What rollups tell decisions apart by. At any moment an agent has few verdicts
 * and as good as one model version, policy and composer, so these six make few
 * rows. Users would make as many rows as there are decisions, and rules and
 * labels count a decision several times: questions about those go to the decisions.
 */
export const seriesColumns = [
  "tenant_id",
  "agent_id",
  "verdict",
  "model_version",
  "policy_digest",
  "composer",
] as const;

type Series = Readonly<Record<(typeof seriesColumns)[number], string>>;

const columns = seriesColumns.join(", ");

/** Finds, and makes where they are not there, the series of decisions. Returns the id of each one's. */
export async function seriesOf(
  client: PostgresPoolClient,
  decisions: readonly DecisionRow[],
): Promise<(decision: DecisionRow) => number> {
  const wanted = new Map(decisions.map((decision) => [keyOf(seriesRow(decision)), seriesRow(decision)]));
  const rows = [...wanted.values()];
  let ids = await known(client, rows);
  if (ids.size < wanted.size) {
    await insertJson(
      client,
      `insert into ${tableName("series")} (${columns}) select ${columns} from ${rowsOf("series")}
       order by ${columns} on conflict do nothing`,
      rows.filter((row) => !ids.has(keyOf(row))),
    );
    // Those of others, for whom the insert has waited, are seen by a statement after it.
    ids = await known(client, rows);
  }
  return (decision) => ids.get(keyOf(seriesRow(decision))) ?? Number.NaN;
}

async function known(client: PostgresPoolClient, rows: readonly Series[]): Promise<Map<string, number>> {
  const found = await insertJson<Series & { id: bigint }>(
    client,
    `select s.id, ${seriesColumns.map((column) => `s.${column}`).join(", ")}
     from ${rowsOf("series")} as w join ${tableName("series")} as s
     on ${seriesColumns.map((column) => `s.${column} = w.${column}`).join(" and ")}`,
    rows,
  );
  return new Map(found.map((row) => [keyOf(row), Number(row.id)]));
}

function seriesRow(decision: DecisionRow): Series {
  return {
    tenant_id: decision.tenantId,
    agent_id: decision.agentId,
    verdict: decision.verdict,
    model_version: decision.modelVersion,
    policy_digest: decision.policyDigest,
    composer: decision.composer,
  };
}

function keyOf(series: Series): string {
  return JSON.stringify(seriesColumns.map((column) => series[column]));
}
