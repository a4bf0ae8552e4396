import { create, type JsonValue } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ColumnType, Selectable } from "kysely";
import {
  type Anomaly,
  type AnomalyKind,
  AnomalyKindSchema,
  AnomalySchema,
} from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import { enumNames } from "../../kit/enum-names.js";
import type { AnomalyKindName, WindowFigures } from "./find-anomalies.js";

/** The tables of reports. */
export interface ReportTables {
  report_windows: {
    tenant_id: string;
    time: Date;
    decisions: bigint;
    p95_ms: number | null;
    /** Counts by verdict. */
    verdicts: ColumnType<JsonValue, string, never>;
  };
  anomalies: {
    id: string;
    tenant_id: string;
    kind: AnomalyKindName;
    verdict: string;
    time: Date;
    last_time: Date;
    value: number;
    median: number;
    score: number;
  };
  drift_days: {
    tenant_id: string;
    day: Date;
    id: string;
    drifted: boolean;
  };
}

export type AnomalyRow = Selectable<ReportTables["anomalies"]>;

const kindNames = enumNames<AnomalyKind>(AnomalyKindSchema);

/** The anomaly that a row holds. */
export function toAnomaly(row: AnomalyRow): Anomaly {
  const { id, tenant_id: tenantId, verdict, value, median, score } = row;
  return create(AnomalySchema, {
    id,
    tenantId,
    kind: kindNames.valueOf(row.kind.toUpperCase()) ?? 0,
    verdict,
    time: timestampFromDate(row.time),
    lastTime: timestampFromDate(row.last_time),
    value,
    median,
    score,
  });
}

/** The figures that a row holds. */
export function toFigures(
  row: Pick<Selectable<ReportTables["report_windows"]>, "decisions" | "p95_ms" | "verdicts">,
): WindowFigures {
  return {
    decisions: Number(row.decisions),
    p95Ms: row.p95_ms,
    verdicts: row.verdicts as Record<string, number>,
  };
}
