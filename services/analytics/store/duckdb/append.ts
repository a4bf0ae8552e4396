import { type DuckDBConnection, DuckDBDataChunk, LIST, listValue, VARCHAR } from "@duckdb/node-api";
import type { Batch, DecisionRow, LabelRow } from "../port.js";
import { type Column, decisionColumns, labelColumns, timeValue } from "./columns.js";
import { createMonth, labelsTable, monthOf, tableOf } from "./partitions.js";

/** The size of DuckDB's vectors. */
const chunkRows = 2048;

/** Keeps what of the batch is new, in the transaction that is open. Returns the months that it touched. */
export async function appendBatch(connection: DuckDBConnection, batch: Batch): Promise<string[]> {
  const months = byMonth(batch.decisions);
  for (const [month, decisions] of months) {
    await connection.run(createMonth(month));
    const fresh = await newDecisions(connection, month, decisions);
    await appendRows(connection, tableOf(month), decisionColumns, fresh);
  }
  const labels = await newLabels(connection, batch.labels);
  await appendRows(connection, labelsTable, labelColumns, labels);
  return [...months.keys()];
}

function byMonth(decisions: readonly DecisionRow[]): ReadonlyMap<string, DecisionRow[]> {
  const months = new Map<string, DecisionRow[]>();
  for (const decision of decisions) {
    const month = monthOf(decision.time);
    const rows = months.get(month);
    if (rows) rows.push(decision);
    else months.set(month, [decision]);
  }
  return months;
}

/**
 * The decisions that the month has not yet. One that comes again has the same
 * time, so that only rows between the batch's least and greatest are looked at.
 */
async function newDecisions(
  connection: DuckDBConnection,
  month: string,
  decisions: readonly DecisionRow[],
): Promise<DecisionRow[]> {
  const times = decisions.map(({ time }) => time.getTime()).sort((a, b) => a - b);
  const known = await connection.runAndReadAll(
    `select tenant_id, decision_id from ${tableOf(month)}
     where time >= $1 and time <= $2 and decision_id in (select unnest($3))`,
    [
      timeValue(new Date(times[0] ?? 0)),
      timeValue(new Date(times.at(-1) ?? 0)),
      listValue(decisions.map(({ decisionId }) => decisionId)),
    ],
    [undefined, undefined, LIST(VARCHAR)] as never,
  );
  const seen = new Set(known.getRows().map(([tenantId, id]) => `${tenantId} ${id}`));
  return decisions.filter(({ tenantId, decisionId }) => {
    const key = `${tenantId} ${decisionId}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** The labels that are newer than what there is, which they take the place of. */
async function newLabels(connection: DuckDBConnection, labels: readonly LabelRow[]): Promise<LabelRow[]> {
  if (labels.length === 0) return [];
  const ids = listValue([...new Set(labels.map(({ feedbackId }) => feedbackId))]);
  const known = await connection.runAndReadAll(
    `select tenant_id, feedback_id, version from ${labelsTable} where feedback_id in (select unnest($1))`,
    [ids],
    [LIST(VARCHAR)],
  );
  const versions = new Map(
    known.getRows().map(([tenantId, id, version]) => [`${tenantId} ${id}`, BigInt(String(version))]),
  );
  const newest = new Map<string, LabelRow>();
  for (const label of labels) {
    const key = `${label.tenantId} ${label.feedbackId}`;
    const version = newest.get(key)?.version ?? versions.get(key);
    if (version === undefined || label.version > version) newest.set(key, label);
  }
  const fresh = [...newest.values()];
  await connection.run(
    `delete from ${labelsTable}
     where (tenant_id, feedback_id) in (select unnest($1), unnest($2))`,
    [listValue(fresh.map(({ tenantId }) => tenantId)), listValue(fresh.map(({ feedbackId }) => feedbackId))],
    [LIST(VARCHAR), LIST(VARCHAR)],
  );
  return fresh;
}

async function appendRows<Row>(
  connection: DuckDBConnection,
  table: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const appender = await connection.createAppender(table);
  try {
    for (let at = 0; at < rows.length; at += chunkRows) {
      const part = rows.slice(at, at + chunkRows);
      const chunk = DuckDBDataChunk.create(columns.map(({ type }) => type));
      chunk.setColumns(columns.map(({ of }) => part.map((row) => of(row))));
      appender.appendDataChunk(chunk);
    }
  } finally {
    // Closing flushes, and throws what flushing throws.
    appender.closeSync();
  }
}
