import type { PostgresPoolClient } from "kysely";
import type { Batch, DecisionRow, LabelRow } from "../port.js";
import { appendLock } from "./locks.js";
import { type Rollup, type RollupRow, rollUp, rollups } from "./rollup.js";
import { decisionJson, insertJson, labelJson, rowsOf, tableName } from "./schema.js";
import { seriesOf } from "./series.js";

/**
 * Keeps a batch within the transaction of `client`. Rollups count those
 * decisions alone that were not there, so a batch may come twice, or from two
 * replicas at once: the second waits for the first at the first decision of both.
 *
 * Every transaction goes through the tables in one order, and through each by
 * its key, so that no two wait for each other.
 */
export async function appendBatch(client: PostgresPoolClient, { decisions, labels }: Batch): Promise<void> {
  await client.query(`select ${appendLock}`, []);
  const fresh = await keepDecisions(client, decisions);
  if (fresh.length > 0) {
    for (const rollup of rollups) await addToRollup(client, rollup, fresh);
  }
  if (labels.length > 0) await keepLabels(client, labels);
}

/** Inserts what is not there, and returns just that. */
async function keepDecisions(
  client: PostgresPoolClient,
  decisions: readonly DecisionRow[],
): Promise<DecisionRow[]> {
  if (decisions.length === 0) return [];
  const kept = await insertJson<{ tenant_id: string; decision_id: string }>(
    client,
    `insert into ${tableName("decisions")} select * from ${rowsOf("decisions")}
     order by tenant_id, time, decision_id
     on conflict do nothing returning tenant_id, decision_id`,
    decisions.map(decisionJson),
  );
  const fresh = new Set(kept.map(({ tenant_id, decision_id }) => keyOf(tenant_id, decision_id)));
  // Removing the key leaves the first of a decision that a batch has twice.
  return decisions.filter(({ tenantId, decisionId }) => fresh.delete(keyOf(tenantId, decisionId)));
}

const keyOf = (...parts: readonly string[]) => JSON.stringify(parts);

/**
 * Adds to the rows of a rollup. Squared distances from two means are put together
 * as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
 * computing sample variances" (1979). Histograms are put one after the other,
 * which costs little, and each bin is counted once only when that halves the list.
 */
async function addToRollup(
  client: PostgresPoolClient,
  { table, ms, dimensions }: Rollup,
  decisions: readonly DecisionRow[],
): Promise<void> {
  const series = await seriesOf(client, decisions, dimensions);
  const rows = rollUp(decisions, ms, series);
  await client.query(
    `insert into ${tableName(table)} as r
     select metric, time, series, n, sum, squares, min, max, bins::bigint[], cardinality(bins::bigint[])
     from unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::double precision[],
       $6::double precision[], $7::double precision[], $8::double precision[], $9::text[])
       as added (metric, time, series, n, sum, squares, min, max, bins)
     order by metric, time, series
     on conflict (metric, time, series) do update set
       n = r.n + excluded.n,
       sum = r.sum + excluded.sum,
       squares = r.squares + excluded.squares + (r.sum / r.n - excluded.sum / excluded.n) ^ 2
         * r.n * excluded.n / (r.n + excluded.n),
       min = least(r.min, excluded.min),
       max = greatest(r.max, excluded.max),
       (bins, packed) = (
         select joined.bins, case when joined.tidy then cardinality(joined.bins) else r.packed end
         from (
           select tidy, case when tidy then ${packed("r.bins || excluded.bins")} else r.bins || excluded.bins end as bins
           from (select cardinality(r.bins) + cardinality(excluded.bins) > 2 * r.packed + 64 as tidy) as size
         ) as joined)`,
    rollupColumns.map((of) => rows.map(of)),
  );
}

// Lists of values, since the server reads them in half the time of JSON.
const rollupColumns: readonly ((row: RollupRow) => unknown)[] = [
  ({ metric }) => metric,
  ({ time }) => time,
  ({ series }) => series,
  ({ n }) => n,
  ({ sum }) => sum,
  ({ squares }) => squares,
  ({ min }) => min,
  ({ max }) => max,
  ({ bins }) => `{${bins.join(",")}}`,
];

const packed = (bins: string) => `${tableName("packed_bins")}(${bins})`;

async function keepLabels(client: PostgresPoolClient, labels: readonly LabelRow[]): Promise<void> {
  const latest = new Map<string, LabelRow>();
  for (const label of labels) {
    const key = keyOf(label.tenantId, label.feedbackId);
    const known = latest.get(key);
    if (!known || known.version < label.version) latest.set(key, label);
  }
  await insertJson(
    client,
    `insert into ${tableName("labels")} as l select * from ${rowsOf("labels")} order by tenant_id, feedback_id
     on conflict (tenant_id, feedback_id) do update set
       decision_id = excluded.decision_id, version = excluded.version,
       time = excluded.time, labels = excluded.labels
     where l.version < excluded.version`,
    [...latest.values()].map(labelJson),
  );
}
