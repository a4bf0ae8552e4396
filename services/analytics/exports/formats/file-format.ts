import { ExportFormat } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import type { DecisionRow } from "../../store/port.js";
import { csvHeader, csvLines } from "./csv.js";
import { jsonLines } from "./json-lines.js";
import { parquetFile } from "./parquet.js";

/** Rows as a column store reads them. */
export type Rows = AsyncIterable<readonly DecisionRow[]>;

/** Where a file is made, and until when. */
export interface Making {
  /** For what does not fit into memory; emptied afterwards. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** A form that a file may have. */
export interface FileFormat {
  readonly contentType: string;
  /** Ends the file's name. */
  readonly extension: string;
  /**
   * The file, in pieces of some tens of KiB, made while they are taken: whoever
   * stops taking them stops the reading of rows.
   */
  write(rows: Rows, making: Making): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

const csv: FileFormat = {
  contentType: "text/csv; charset=utf-8; header=present",
  extension: "csv",
  write: (rows) => encoded(rows, csvLines, csvHeader),
};

const json: FileFormat = {
  contentType: "application/x-ndjson",
  extension: "jsonl",
  write: (rows) => encoded(rows, jsonLines),
};

const parquet: FileFormat = {
  contentType: "application/vnd.apache.parquet",
  extension: "parquet",
  write: parquetFile,
};

/** The form that the contract names. */
export function formatOf(format: ExportFormat): FileFormat {
  switch (format) {
    case ExportFormat.JSON_LINES:
      return json;
    case ExportFormat.PARQUET:
      return parquet;
    default:
      return csv;
  }
}

/** Rows that are encoded at once: about 64 KiB, and a millisecond or two in which nothing else runs. */
const rowsAtOnce = 128;

async function* encoded(
  rows: Rows,
  encode: (rows: readonly DecisionRow[]) => string,
  header = "",
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  // Also of no rows: a client knows by it that the file is there.
  yield encoder.encode(header);
  for await (const batch of rows) {
    for (let from = 0; from < batch.length; from += rowsAtOnce) {
      yield encoder.encode(encode(batch.slice(from, from + rowsAtOnce)));
    }
  }
}
