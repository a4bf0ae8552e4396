import type { ServiceImpl } from "@connectrpc/connect";
import type { Kysely } from "kysely";
import type { ReportsService } from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import type { Clock } from "../../kit/clock.js";
import { lease } from "../../kit/lease.js";
import type { OutboxTables } from "../../kit/outbox.js";
import type { Ask } from "../domain/ask.js";
import { getCapacityReport } from "../rpc/get-capacity-report.js";
import { getDriftReport } from "../rpc/get-drift-report.js";
import { listAnomalies } from "../rpc/list-anomalies.js";
import type { ColumnStore } from "../store/port.js";
import { reportStore } from "./report-store.js";
import type { ReportTables } from "./rows.js";
import { watch } from "./watch.js";

/** What reports are made of. */
export interface ReportsOptions {
  readonly ask: Ask;
  readonly store: Pick<ColumnStore, "count" | "read">;
  readonly db: Kysely<ReportTables & OutboxTables>;
  readonly clock: Clock;
  /** How long what was found is kept, in days. */
  readonly retentionDays: number;
}

/** The service, and what looks for what it lists. */
export interface Reports {
  readonly handlers: ServiceImpl<typeof ReportsService>;
  /** Looks at what has happened since; from time to time. One replica does. */
  watch(): Promise<void>;
  /** Lets another replica watch. */
  stop(): Promise<void>;
}

/** Longer than it may take to look at five minutes of every tenant. */
const leaseMs = 300_000;
const dayMs = 86_400_000;

/** Opens the service. */
export function openReports({ ask, store, db, clock, retentionDays }: ReportsOptions): Reports {
  const reports = reportStore({ db, clock });
  const held = lease(db, { name: "reports", ttlMs: leaseMs });
  return {
    handlers: {
      getDriftReport: getDriftReport({ ask, store, clock }),
      getCapacityReport: getCapacityReport({ ask, clock }),
      listAnomalies: listAnomalies({ reports }),
    },
    watch: watch({ ask, store, reports, lease: held, clock, keptMs: retentionDays * dayMs }),
    // Else it ends by itself.
    stop: () => held.release().catch(() => undefined),
  };
}
