import { create } from "@bufbuild/protobuf";
import { type Kysely, sql, type Transaction } from "kysely";
import {
  AnomalyDetectedSchema,
  DriftDetectedSchema,
} from "#gen/ts/consciousness/analytics/v1/analytics_events_pb.js";
import type { GetDriftReportResponse } from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import type { Clock } from "../../kit/clock.js";
import { newId } from "../../kit/ids.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import type { Page } from "../../kit/page-token.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import type { Finding, WindowFigures } from "./find-anomalies.js";
import { type AnomalyRow, type ReportTables, toAnomaly, toFigures } from "./rows.js";
import { windowMs } from "./window-times.js";

type Tables = ReportTables & OutboxTables;

/** Five minutes of a tenant. */
export interface TenantWindow {
  readonly tenant: string;
  readonly time: Date;
}

/** Keeps what was found, and what to compare with. */
export type ReportStore = ReturnType<typeof reportStore>;

/** Makes a store over the schema `analytics`. */
export function reportStore({ db, clock }: { readonly db: Kysely<Tables>; readonly clock: Clock }) {
  return {
    /** The latest five minutes that were kept; undefined without any. */
    async latest(): Promise<Date | undefined> {
      const row = await db
        .selectFrom("report_windows")
        .select("time")
        .orderBy("time", "desc")
        .executeTakeFirst();
      return row?.time;
    },

    /** Tenants that decided anything from that time on. */
    async tenantsSince(time: Date): Promise<string[]> {
      const rows = await db
        .selectFrom("report_windows")
        .select("tenant_id")
        .distinct()
        .where("time", ">=", time)
        .where("decisions", ">", 0n)
        .execute();
      return rows.map(({ tenant_id }) => tenant_id);
    },

    /** What a tenant did at those of the times that are kept. */
    async at(tenant: string, times: readonly Date[]): Promise<WindowFigures[]> {
      const rows = await windowsOf(db, tenant)
        .where("time", "=", sql<Date>`any(${times}::timestamptz[])`)
        .execute();
      return rows.map(toFigures);
    },

    /** What a tenant did from when to when. */
    async between(tenant: string, from: Date, until: Date): Promise<WindowFigures[]> {
      const rows = await windowsOf(db, tenant).where("time", ">=", from).where("time", "<", until).execute();
      return rows.map(toFigures);
    },

    /**
     * Keeps five minutes with what was out of the ordinary in them, once, each new
     * anomaly with its event. One that was so in the five minutes before, the same
     * way, is no new one, but lasts longer.
     */
    keepWindow(window: TenantWindow, figures: WindowFigures, findings: readonly Finding[]): Promise<void> {
      return transaction(db, async (trx) => {
        const row = {
          tenant_id: window.tenant,
          time: window.time,
          decisions: BigInt(figures.decisions),
          p95_ms: figures.p95Ms,
          verdicts: JSON.stringify(figures.verdicts),
        };
        const inserted = await trx
          .insertInto("report_windows")
          .values(row)
          .onConflict((conflict) => conflict.doNothing())
          .returning("time")
          .executeTakeFirst();
        if (!inserted) return;
        for (const finding of findings) {
          if (!(await lastsLonger(trx, window, finding))) await raise(trx, window, finding, clock);
        }
      });
    },

    /** Those of a tenant, or of all where it is undefined, newest first. */
    anomalies(tenant: string | undefined, { after, limit }: Page): Promise<AnomalyRow[]> {
      let query = db.selectFrom("anomalies").selectAll();
      if (tenant !== undefined) query = query.where("tenant_id", "=", tenant);
      if (after !== undefined) query = query.where("id", "<", after);
      return query.orderBy("id", "desc").limit(limit).execute();
    },

    /** Those of the tenants whose day has not been compared. */
    async uncompared(tenants: readonly string[], day: Date): Promise<string[]> {
      const rows = await db.selectFrom("drift_days").select("tenant_id").where("day", "=", day).execute();
      const compared = new Set(rows.map(({ tenant_id }) => tenant_id));
      return tenants.filter((tenant) => !compared.has(tenant));
    },

    /** Keeps that a day was compared, once, with its event if it has drifted. */
    keepDay(
      { tenant, day }: { readonly tenant: string; readonly day: Date },
      { report, drifted }: { readonly report: GetDriftReportResponse; readonly drifted: boolean },
    ): Promise<void> {
      return transaction(db, async (trx) => {
        const row = await trx
          .insertInto("drift_days")
          .values({ tenant_id: tenant, day, id: newId(), drifted })
          .onConflict((conflict) => conflict.doNothing())
          .returning("id")
          .executeTakeFirst();
        if (!row || !drifted) return;
        await recordEvent(trx, {
          call: { requestId: newId(), principal: undefined },
          clock,
          tenant,
          aggregate: { type: "drift_report", id: row.id, version: 1n },
          payload: { schema: DriftDetectedSchema, message: create(DriftDetectedSchema, { report }) },
        });
      });
    },

    /** Forgets what nothing is compared with any more, and what is older than `kept`. */
    async forget({ compared, kept }: { readonly compared: Date; readonly kept: Date }): Promise<void> {
      await db.deleteFrom("report_windows").where("time", "<", compared).execute();
      await db.deleteFrom("anomalies").where("last_time", "<", kept).execute();
      await db.deleteFrom("drift_days").where("day", "<", kept).execute();
    },
  };
}

function windowsOf(db: Kysely<Tables>, tenant: string) {
  return db
    .selectFrom("report_windows")
    .select(["decisions", "p95_ms", "verdicts"])
    .where("tenant_id", "=", tenant);
}

async function lastsLonger(
  trx: Transaction<Tables>,
  { tenant, time }: TenantWindow,
  { kind, verdict, score }: Finding,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable("anomalies")
    .set({ last_time: time })
    .where("tenant_id", "=", tenant)
    .where("kind", "=", kind)
    .where("verdict", "=", verdict)
    .where("last_time", "=", new Date(time.getTime() - windowMs))
    .where("score", score > 0 ? ">" : "<", 0)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

async function raise(
  trx: Transaction<Tables>,
  { tenant, time }: TenantWindow,
  finding: Finding,
  clock: Clock,
): Promise<void> {
  const row = { id: newId(), tenant_id: tenant, time, last_time: time, ...finding };
  await trx.insertInto("anomalies").values(row).execute();
  const message = create(AnomalyDetectedSchema, { anomaly: toAnomaly(row) });
  await recordEvent(trx, {
    call: { requestId: newId(), principal: undefined },
    clock,
    tenant,
    aggregate: { type: "anomaly", id: row.id, version: 1n },
    payload: { schema: AnomalyDetectedSchema, message },
  });
}
