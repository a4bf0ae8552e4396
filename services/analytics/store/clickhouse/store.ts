import type { ColumnStore, DecisionRow, LabelRow, Selection } from "../port.js";
import { type Cursor, compileCount, compilePage } from "../sql/decisions.js";
import { compileQuery } from "../sql/query.js";
import { type ClickhouseAddress, type Connection, connect, type Limits } from "./connection.js";
import { dialect } from "./dialect.js";
import { decisionJson, decisionOf, decisionSelect, labelJson, source, tables } from "./schema.js";

export interface ClickhouseOptions {
  readonly address: ClickhouseAddress;
  /** Most memory of one query on the server, in megabytes. */
  readonly memoryMb?: number;
  /** How long one page of `read`, and `count`, may take, in milliseconds. */
  readonly readMs?: number;
}

const pageRows = 8192;

/**
 * Keeps decisions in ClickHouse, in a database that is there already. Its SQL and
 * its tables are tested on ClickHouse's engine (chdb) behind a small HTTP server
 * of the tests; that it works with a real server over the network is not tested.
 *
 * An append is of two tables and of a part for each month, and ClickHouse has no
 * transaction over those: one that fails may have kept some of them. Whoever
 * repeats it, as the consumer of events does, completes it and doubles nothing.
 */
export async function openClickhouse(options: ClickhouseOptions): Promise<ColumnStore> {
  const { address, memoryMb = 2000, readMs = 60_000 } = options;
  const connection = connect(address);
  const limited = (timeMs: number, signal: AbortSignal | undefined): Limits => ({ timeMs, memoryMb, signal });
  for (const sql of tables) await connection.change({ sql, parameters: [] });
  return {
    async append({ decisions, labels }) {
      await connection.insert(source.decisions, decisions.map(decisionJson));
      await connection.insert(source.labels, newest(labels).map(labelJson));
    },
    async query(plan, bounds, signal) {
      const compiled = compileQuery({ plan, maxGroups: bounds.groups, dialect, source });
      const limits = { ...limited(bounds.timeMs, signal), groups: bounds.groups };
      return compiled.read(await connection.read(compiled, limits));
    },
    async count(selection, signal) {
      const statement = compileCount({ selection, dialect, source });
      const rows = await connection.read(statement, limited(readMs, signal));
      return Number(rows[0]?.[0]);
    },
    read: (selection, signal) => readDecisions(connection, selection, limited(readMs, signal)),
    forget: (before) => forget(connection, before, limited(readMs, undefined)),
    ping: connection.ping,
    close: connection.close,
  };
}

/** Of equal versions the last inserted would win; the first one of a batch is meant to. */
function newest(labels: readonly LabelRow[]): LabelRow[] {
  const latest = new Map<string, LabelRow>();
  for (const label of labels) {
    const key = `${label.tenantId} ${label.feedbackId}`;
    const known = latest.get(key);
    if (!known || known.version < label.version) latest.set(key, label);
  }
  return [...latest.values()];
}

/** Reads decisions by the key, page by page, with nothing open in between, however long the caller takes. */
async function* readDecisions(
  connection: Connection,
  selection: Selection,
  limits: Limits,
): AsyncGenerator<readonly DecisionRow[]> {
  let after: Cursor | undefined;
  for (;;) {
    const page = compilePage({ selection, dialect, source, columns: decisionSelect, after, limit: pageRows });
    const rows = (await connection.read(page, limits)).map(decisionOf);
    if (rows.length > 0) yield rows;
    after = rows.at(-1);
    if (rows.length < pageRows) return;
  }
}

/** Drops whole months, in UTC, and what was said of their decisions. */
async function forget(connection: Connection, before: Date, limits: Limits): Promise<void> {
  const month = before.toISOString().slice(0, "2026-11".length);
  const parts = {
    sql: `select distinct partition_id from system.parts
      where active and database = currentDatabase() and table = 'decisions' order by partition_id`,
    parameters: [],
  };
  for (const [id] of await connection.read(parts, limits)) {
    if (Number(id) >= Number(month.replace("-", ""))) continue;
    await connection.change({
      sql: `alter table decisions drop partition id '${Number(id)}'`,
      parameters: [],
    });
  }
  const start = { type: "time", value: new Date(`${month}-01T00:00:00Z`) } as const;
  await connection.change({
    sql: `delete from labels where time < ${dialect.parameter(0, "time")}`,
    parameters: [start],
  });
}
