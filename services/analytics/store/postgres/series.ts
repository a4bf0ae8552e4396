import type { PostgresPoolClient } from "kysely";
import type { DecisionRow } from "../port.js";
import type { RolledUp } from "./rollup.js";
import { insertJson, rowsOf, tableName } from "./schema.js";

/** The columns that tell series apart, by dimension. */
export const seriesColumnOf: Readonly<Record<RolledUp, keyof Series>> = {
  tenant: "tenant_id",
  agent: "agent_id",
  verdict: "verdict",
  model_version: "model_version",
  policy: "policy_digest",
  composer: "composer",
};

/** Stands for every value of a column. No id, verdict, digest or version is called so. */
const anyValue = "*";

interface Series {
  readonly tenant_id: string;
  readonly agent_id: string;
  readonly verdict: string;
  readonly model_version: string;
  readonly policy_digest: string;
  readonly composer: string;
}

export const seriesColumns = Object.values(seriesColumnOf);

const columns = seriesColumns.join(", ");

/** Finds, and makes where they are not there, the series of decisions by some dimensions. Returns the id of each one's. */
export async function seriesOf(
  client: PostgresPoolClient,
  decisions: readonly DecisionRow[],
  dimensions: readonly RolledUp[],
): Promise<(decision: DecisionRow) => number> {
  const seriesRow = (decision: DecisionRow) => rowOf(decision, dimensions);
  const wanted = new Map(decisions.map(seriesRow).map((row) => [keyOf(row), row]));
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

function rowOf(decision: DecisionRow, dimensions: readonly RolledUp[]): Series {
  const value = (dimension: RolledUp, own: string) => (dimensions.includes(dimension) ? own : anyValue);
  return {
    tenant_id: value("tenant", decision.tenantId),
    agent_id: value("agent", decision.agentId),
    verdict: value("verdict", decision.verdict),
    model_version: value("model_version", decision.modelVersion),
    policy_digest: value("policy", decision.policyDigest),
    composer: value("composer", decision.composer),
  };
}

function keyOf(series: Series): string {
  return JSON.stringify(seriesColumns.map((column) => series[column]));
}
