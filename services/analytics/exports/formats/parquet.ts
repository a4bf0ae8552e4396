import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { type CellType, exportColumns } from "../columns.js";
import type { Making, Rows } from "./file-format.js";
import { jsonLines } from "./json-lines.js";

/** Settings of the engine that writes: on one core, in so much memory, and with files for the rest. */
const engine = { threads: "1", memory_limit: "192MB", preserve_insertion_order: "true" };

/** Rows that are handed over at once. */
const rowsAtOnce = 8192;
/** Rows of a row group: the memory that one takes is not bounded by the engine's limit. */
const rowGroup = 40_960;
const pieceBytes = 65_536;

const types: Readonly<Record<CellType, string>> = {
  text: "varchar",
  number: "double",
  time: "timestamptz",
  truth: "boolean",
  texts: "varchar[]",
  numbers: "map(varchar, double)",
};

/**
 * The rows as Apache Parquet, by an embedded DuckDB of its own: rows go into a
 * table on disk by way of JSON lines, which it reads in its own thread, and from
 * there into the file, whose end holds what its beginning is read by. So nothing
 * leaves before all rows have come, and the memory of writing does not grow with them.
 */
export async function* parquetFile(
  rows: Rows,
  { directory, signal }: Making,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const place = await mkdtemp(join(directory, "parquet-"));
  try {
    const file = join(place, "rows.parquet");
    await writeParquet(rows, { place, file, signal });
    yield* createReadStream(file, { highWaterMark: pieceBytes });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

interface Place {
  readonly place: string;
  readonly file: string;
  readonly signal: AbortSignal;
}

async function writeParquet(rows: Rows, { place, file, signal }: Place): Promise<void> {
  const settings = { ...engine, temp_directory: join(place, "spilled") };
  const instance = await DuckDBInstance.create(join(place, "rows.duckdb"), settings);
  const connection = await instance.connect();
  const interrupt = () => connection.interrupt();
  signal.addEventListener("abort", interrupt);
  try {
    await connection.run("set TimeZone = 'UTC'");
    await connection.run(`create table rows (${columns((name, type) => `"${name}" ${type}`)})`);
    await fill(connection, rows, { lines: join(place, "rows.jsonl"), signal });
    await connection.run(
      `copy rows to ${quoted(file)} (format parquet, compression zstd, row_group_size ${rowGroup})`,
    );
    signal.throwIfAborted();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", interrupt);
    connection.closeSync();
    instance.closeSync();
  }
}

async function fill(
  connection: DuckDBConnection,
  rows: Rows,
  { lines, signal }: { readonly lines: string; readonly signal: AbortSignal },
): Promise<void> {
  const insert = `insert into rows select * from read_json(${quoted(lines)},
    format = 'newline_delimited', columns = {${columns((name, type) => `"${name}": '${type}'`)}})`;
  for await (const batch of rows) {
    for (let from = 0; from < batch.length; from += rowsAtOnce) {
      signal.throwIfAborted();
      await writeFile(lines, jsonLines(batch.slice(from, from + rowsAtOnce)), { mode: 0o600 });
      await connection.run(insert);
    }
  }
}

function columns(write: (name: string, type: string) => string): string {
  return exportColumns.map(({ name, type }) => write(name, types[type])).join(", ");
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "''")}'`;
}
