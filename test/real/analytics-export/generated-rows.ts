import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { decisionColumns } from "../../../services/analytics/store/duckdb/columns.js";
import { createMonth, tableOf } from "../../../services/analytics/store/duckdb/partitions.js";
import { openDuckdb } from "../../../services/analytics/store/duckdb/store.js";
import { type Figure, figures } from "../../../services/analytics/store/port.js";

const month = "2026_03";
const spread = "2026-03-01 00:00:00";
const millisecondsApart = 500;

/** What a generated row `i` has in a column, as an expression of DuckDB. */
const values: Readonly<Record<string, string>> = {
  tenant_id: "'tenant-' || (i % 7)",
  decision_id: "uuid()::varchar",
  request_id: "uuid()::varchar",
  time: `timestamp '${spread}' + to_milliseconds(i * ${millisecondsApart})`,
  arrive_time: `timestamp '${spread}' + to_milliseconds(i * ${millisecondsApart} + 40)`,
  agent_id: "case when i % 3 = 0 then '' else 'agent-' || (i % 50) end",
  user_pseudonym: "'=user-' || (i % 1000)",
  verdict: "case when i % 11 = 0 then 'blocked' else 'allowed' end",
  rule_ids: "case when i % 11 = 0 then ['harm.fraud', 'a \"quoted\" one'] else []::varchar[] end",
  model_version: "'2026.1'",
  policy_digest: "sha256('policy')",
  composer: "'extractive'",
  cached: "i % 5 = 0",
  stages: "map {'compose': random() * 100, 'retrieve': i / 7.0, 'screen_output': 0.1}",
  frameworks: "map {'justice': random(), 'care': random()}",
};

function expressionOf(name: string): string {
  if (!(figures as readonly string[]).includes(name)) return values[name] ?? "null";
  const absent: readonly Figure[] = ["gpu_share", "quantum_coherence"];
  return absent.includes(name as Figure) ? "null" : "random() * 1000";
}

/** Makes a store of so many decisions in a directory. */
export async function generateRows(directory: string, rows: number): Promise<void> {
  await (await openDuckdb({ directory })).close();
  await overStore(directory, async (run) => {
    await run(createMonth(month));
    const columns = decisionColumns.map(({ name }) => `${expressionOf(name)} as ${name}`).join(", ");
    await run(`insert into ${tableOf(month)} select ${columns} from range(${rows}) numbers(i)`);
  });
}

/** Runs SQL over the file of a store, and files beside it. */
export async function overStore<R>(
  directory: string,
  work: (run: (sql: string) => Promise<unknown[][]>) => Promise<R>,
): Promise<R> {
  const instance = await DuckDBInstance.create(join(directory, "analytics.duckdb"), {
    threads: "2",
    memory_limit: "1GB",
  });
  const connection = await instance.connect();
  try {
    return await work(async (sql) => (await connection.runAndReadAll(sql)).getRows());
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** The generated decisions, for SQL. */
export const decisionsTable = tableOf(month);
