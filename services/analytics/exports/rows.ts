import { create, fromJson, type JsonValue, toJsonString } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ColumnType, Generated, Selectable } from "kysely";
import {
  type Export,
  ExportSchema,
  type ExportSpec,
  ExportSpecSchema,
  type ExportState,
  ExportStateSchema,
} from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { enumNames } from "../../kit/enum-names.js";
import type { ExportPiecesTable } from "./blobs/pieces.js";

/** How far a job is; one that is `deleted` has gone for everybody but those who clear away after it. */
export type JobState = "pending" | "running" | "succeeded" | "failed" | "deleted";

/** Row of `exports`. */
export interface ExportsTable {
  id: string;
  tenant_id: string;
  owner: string;
  /** `ExportSpec` as protobuf JSON. */
  spec: ColumnType<JsonValue, string, never>;
  state: Generated<JobState>;
  version: Generated<bigint>;
  attempts: Generated<number>;
  file: string | null;
  holder: string | null;
  held_until: Date | null;
  rows_total: bigint | null;
  rows_written: Generated<bigint>;
  size_bytes: bigint | null;
  failure: Generated<string>;
  create_time: Date;
  expire_time: Date;
}

/** The tables of exports. */
export interface ExportTables {
  exports: ExportsTable;
  export_pieces: ExportPiecesTable;
}

export type ExportRow = Selectable<ExportsTable>;

const stateNames = enumNames<ExportState>(ExportStateSchema);

/** The job that a row holds, without a link. */
export function toExport(row: ExportRow): Export {
  return create(ExportSchema, {
    id: row.id,
    spec: specOf(row),
    state: stateNames.valueOf(row.state.toUpperCase()) ?? 0,
    ...(row.rows_total !== null && { rowsTotal: row.rows_total }),
    rowsWritten: row.rows_written,
    ...(row.size_bytes !== null && { sizeBytes: row.size_bytes }),
    failure: row.failure,
    createTime: timestampFromDate(row.create_time),
    expireTime: timestampFromDate(row.expire_time),
  });
}

/** Which rows a job writes. */
export function specOf({ spec }: Pick<ExportRow, "spec">): ExportSpec {
  // A newer release may have written fields that this one does not know.
  return fromJson(ExportSpecSchema, spec, { ignoreUnknownFields: true });
}

/** What a job writes, as its column keeps it. */
export function specText(spec: ExportSpec): string {
  return toJsonString(ExportSpecSchema, spec);
}
