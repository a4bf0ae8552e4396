import { create } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Metric } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import {
  AnomalyKind,
  GetCapacityReportRequestSchema,
  GetCapacityReportResponseSchema,
  GetDriftReportRequestSchema,
  GetDriftReportResponseSchema,
  ListAnomaliesRequestSchema,
  ListAnomaliesResponseSchema,
} from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { createAsk } from "../../../services/analytics/domain/ask.js";
import { openReports } from "../../../services/analytics/reports/handlers.js";
import type { ReportTables } from "../../../services/analytics/reports/rows.js";
import { openDuckdb } from "../../../services/analytics/store/duckdb/store.js";
import type { ColumnStore, DecisionRow, LabelRow } from "../../../services/analytics/store/port.js";
import type { Principal } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import { readEvents } from "../../../services/kit/outbox.js";
import { openSchema } from "../../../services/kit/stores/database/kysely.js";
import { migrate, readMigrations } from "../../../services/kit/stores/database/migrate.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { testDatabase } from "../../support/database.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { contextOf, person } from "../exports/exports.js";
import { decision, figuresOf } from "../exports/rows.js";

const minute = 60_000;
const day = 86_400_000;
const noon = Date.parse("2026-03-20T12:00:00.000Z");

let database: Database;
let store: ColumnStore;
let open: (now: { now: number }) => ReturnType<typeof openReports>;
let events: (tenant: string) => Promise<string[]>;
beforeAll(async () => {
  database = await testDatabase();
  await migrate(database, { schema: "analytics", migrations: await readMigrations("analytics") });
  const db = openSchema<ReportTables>(database, "analytics");
  store = await openDuckdb({ threads: 1, memoryMb: 128 });
  const ask = createAsk(store, { timeMs: 20_000, groups: 50_000 });
  open = (time) =>
    openReports({
      ask,
      store,
      db,
      clock: { now: () => time.now, monotonic: () => time.now },
      retentionDays: 100,
    });
  events = async (tenant) =>
    (await readEvents(db, { limit: 1000 }))
      .filter(({ tenantId }) => tenantId === tenant)
      .map(({ payload }) => payload?.typeUrl.split(".").at(-1) ?? "");
});
afterAll(async () => {
  await store.close();
  await database.end();
});

/** Decisions of a tenant at times, each as `of` says. */
function decisions(
  tenantId: string,
  times: readonly number[],
  of: (n: number) => Partial<DecisionRow> = () => ({}),
): DecisionRow[] {
  return times.map((time, n) => {
    const made = new Date(time);
    const usual = {
      verdict: "allowed",
      figures: figuresOf({ total_ms: 100 + (n % 9), quality: 0.8 + (n % 5) / 100 }),
    };
    return decision(n, { tenantId, decisionId: newId(), time: made, arriveTime: made, ...usual, ...of(n) });
  });
}

/** So many moments, as far apart. */
const every = (from: number, count: number, apart: number) =>
  Array.from({ length: count }, (_, n) => from + n * apart);

/** The service as a principal calls it at a time. */
const as = (principal: Principal, now = noon) => {
  const { handlers } = open({ now });
  const context = contextOf(principal);
  return {
    drift: async (request: object = {}) =>
      create(
        GetDriftReportResponseSchema,
        await handlers.getDriftReport(create(GetDriftReportRequestSchema, request), context),
      ),
    capacity: async (request: object = {}) =>
      create(
        GetCapacityReportResponseSchema,
        await handlers.getCapacityReport(create(GetCapacityReportRequestSchema, request), context),
      ),
    anomalies: async (request: object = {}) =>
      create(
        ListAnomaliesResponseSchema,
        await handlers.listAnomalies(create(ListAnomaliesRequestSchema, request), context),
      ),
  };
};

describe("the drift report", () => {
  it("finds what has changed, and nothing in what has not", async () => {
    const before = decisions("drifting", every(noon - 2 * day, 200, 7 * minute), (n) => ({
      verdict: n % 10 === 0 ? "blocked" : "allowed",
    }));
    const now = decisions("drifting", every(noon - day, 200, 7 * minute), (n) => ({
      verdict: n % 4 === 0 ? "blocked" : "allowed",
      figures: figuresOf({ quality: 0.5 + (n % 5) / 100, awareness: 0.5 }),
    }));
    await store.append({ decisions: [...before, ...now], labels: [] });
    const report = await as(person("drifting")).drift();
    expect(report).toMatchObject({ decisions: 200n, decisionsBefore: 200n });
    expect(report.calibration).toBeUndefined();
    const [allowed, blocked] = report.verdicts;
    expect(blocked).toMatchObject({ verdict: "blocked", share: 0.25, shareBefore: 0.1, drifted: true });
    // z = 0.15 / √(0.175 · 0.825 · 2/200) = 3.9477.
    expect(blocked?.pValue).toBeCloseTo(7.89e-5, 7);
    expect(allowed).toMatchObject({ share: 0.75, drifted: true });
    const quality = report.scores.find(({ now: of }) => of?.metric === Metric.QUALITY);
    expect(quality).toMatchObject({ drifted: true, now: { unit: "1" } });
    // Both vary alike, and the means are 0.3 apart.
    expect(quality?.effect).toBeCloseTo(-0.3 / Math.sqrt(0.0002 * (200 / 199)), 6);
    const awareness = report.scores.find(({ now: of }) => of?.metric === Metric.AWARENESS);
    expect([awareness?.drifted, awareness?.before, awareness?.effect]).toEqual([false, undefined, undefined]);

    const earlier = await as(person("drifting"), noon - day).drift({ periodHours: 12 });
    expect(earlier.verdicts.filter(({ drifted }) => drifted)).toEqual([]);
  });

  it("finds confidence that labels no longer bear out", async () => {
    const labels: LabelRow[] = [];
    const made = [0, 1].flatMap((past) =>
      decisions("labelled", every(noon - (past + 1) * day, 50, 20 * minute), (n) => {
        const decisionId = newId();
        const supported = past === 1 ? n % 10 !== 0 : n % 2 === 0;
        const said = supported ? ["answer_supported", "verdict_right"] : ["answer_unsupported"];
        const time = new Date(noon);
        labels.push({
          tenantId: "labelled",
          decisionId,
          feedbackId: newId(),
          version: 1n,
          time,
          labels: said,
        });
        return { decisionId, figures: figuresOf({ confidence: 0.9 }) };
      }),
    );
    await store.append({ decisions: made, labels });
    const { calibration } = await as(person("labelled")).drift();
    expect(calibration).toMatchObject({ labels: 50n, labelsBefore: 50n, drifted: true });
    expect(calibration?.brier).toBeCloseTo(0.41, 12);
    expect(calibration?.brierBefore).toBeCloseTo(0.09, 12);
    expect(calibration?.calibrationError).toBeCloseTo(0.4, 12);
    expect(calibration?.calibrationErrorBefore).toBeCloseTo(0, 12);
  });

  it("of a tenant holds nothing of another, and of all takes the permission", async () => {
    expect(await as(person("nobody")).drift()).toMatchObject({ decisions: 0n, verdicts: [], scores: [] });
    expect(await rejectedBy(as(person("nobody")).drift({ allTenants: true }))).toMatchObject({
      code: "PermissionDenied",
      reason: "ALL_TENANTS_NOT_ALLOWED",
    });
    const all = await as(person("nobody", Permission.TENANT_ADMIN)).drift({ allTenants: true });
    expect(all.decisions).toBeGreaterThanOrEqual(250n);
  });
});

describe("the capacity report", () => {
  it("has every day, the trend of the busiest minutes, and when it reaches the capacity", async () => {
    // n + 6 decisions in the busiest minute of day n, and no decision on one day.
    const start = Date.parse("2026-03-10T00:00:00.000Z");
    const used = Array.from({ length: 10 }, (_, n) => n).filter((n) => n !== 4);
    const times = used.flatMap((n) => [
      ...every(start + n * day + 600 * minute, n + 6, 1000),
      start + n * day + 700 * minute,
    ]);
    await store.append({ decisions: decisions("growing", times), labels: [] });
    const report = await as(person("growing")).capacity({ capacityPerSecond: 0.5 });
    expect(report.days).toHaveLength(10);
    expect(report.days[0]?.time && timestampDate(report.days[0].time).getTime()).toBe(start);
    expect(report.days[4]).toMatchObject({ decisions: 0n, peakPerSecond: 0 });
    expect(report.days[9]).toMatchObject({ decisions: 16n, peakPerSecond: 15 / 60 });
    expect(report.days[9]?.p95CpuShare).toBeUndefined();
    expect(report.days[9]?.p95Ms).toBeGreaterThan(100);
    expect(report.trendPerDay).toBeCloseTo(1 / 60, 12);
    // 6/60 + x/60 = 0.5 at day 24.
    const exhausted = report.exhaustedTime && timestampDate(report.exhaustedTime).getTime();
    expect(exhausted).toBeCloseTo(start + 24 * day, -3);
    expect((await as(person("growing")).capacity()).exhaustedTime).toBeUndefined();
  });

  it("says nothing of a trend of few days, or of nothing", async () => {
    expect(await as(person("nobody")).capacity()).toEqual(create(GetCapacityReportResponseSchema));
    await store.append({ decisions: decisions("new", [noon - day]), labels: [] });
    const report = await as(person("new")).capacity({ capacityPerSecond: 1 });
    expect([report.trendPerDay, report.exhaustedTime]).toEqual([undefined, undefined]);
    expect(report.days).toHaveLength(1);
  });
});

describe("the watch for anomalies", () => {
  it("raises each anomaly once, by one replica, and keeps how long it lasts", async () => {
    const begin = Date.parse("2026-04-10T00:02:00.000Z");
    const time = { now: begin };
    const windows = 24;
    const times = every(begin - 2 * minute, windows * 25, 12_000);
    const usual = decisions("watched", times, (n) => ({
      verdict: n % 5 === 0 ? "blocked" : "allowed",
    }));
    const burst = decisions("watched", every(begin + (windows * 5 - 2) * minute, 500, 1200), () => ({
      verdict: "allowed",
      figures: figuresOf({ total_ms: 900 }),
    }));
    await store.append({ decisions: [...usual, ...burst], labels: [] });
    const [one, other] = [open(time), open(time)];
    for (let n = 0; n <= windows + 2; n += 1) {
      time.now = begin + n * 5 * minute + minute;
      await one.watch();
      if (n % 4 === 0) await Promise.all([other.watch(), one.watch()]);
    }
    const { anomalies } = await as(person("watched")).anomalies();
    const first = new Date(begin + (windows * 5 - 2) * minute);
    const found = anomalies.map((one) => [one.kind, one.verdict, Math.sign(one.score)]);
    expect(found.sort()).toEqual([
      [AnomalyKind.RATE, "", 1],
      [AnomalyKind.LATENCY, "", 1],
      [AnomalyKind.VERDICTS, "allowed", 1],
      [AnomalyKind.VERDICTS, "blocked", -1],
    ]);
    for (const one of anomalies) {
      expect(one.time && timestampDate(one.time)).toEqual(first);
      expect(one.lastTime && timestampDate(one.lastTime)).toEqual(new Date(first.getTime() + 5 * minute));
    }
    expect(await events("watched")).toEqual(anomalies.map(() => "AnomalyDetected"));

    // Nothing comes any more: seen by whoever watches, and by the other once that has stopped.
    time.now += 60 * minute;
    await other.watch();
    expect((await as(person("watched")).anomalies()).anomalies).toHaveLength(4);
    await one.stop();
    await other.watch();
    const [last] = (await as(person("watched")).anomalies()).anomalies;
    expect(last).toMatchObject({ kind: AnomalyKind.RATE, value: 0, median: 25 });
    await other.stop();
  });

  it("lists a tenant its own, page by page, and those of all to who administers tenants", async () => {
    const mine = as(person("watched"));
    const first = await mine.anomalies({ pageSize: 3 });
    const second = await mine.anomalies({ pageSize: 3, pageToken: first.nextPageToken });
    expect([first.anomalies.length, second.anomalies.length, second.nextPageToken]).toEqual([3, 2, ""]);
    expect((await as(person("other")).anomalies()).anomalies).toEqual([]);
    const stolen = as(person("other")).anomalies({ pageToken: first.nextPageToken });
    expect(await rejectedBy(stolen)).toMatchObject({ code: "InvalidArgument", reason: "PAGE_TOKEN_INVALID" });
    expect(await rejectedBy(as(person("other")).anomalies({ allTenants: true }))).toMatchObject({
      code: "PermissionDenied",
      reason: "ALL_TENANTS_NOT_ALLOWED",
    });
    const all = await as(person("other", Permission.TENANT_ADMIN)).anomalies({ allTenants: true });
    expect(all.anomalies).toHaveLength(5);
  });

  it("tells of a day that differs from the one before it, once", async () => {
    const today = Date.parse("2026-05-03T00:30:00.000Z");
    const yesterday = decisions("shifted", every(today - 24 * 60 * minute, 100, 10 * minute), () => ({
      verdict: "blocked",
    }));
    const before = decisions("shifted", every(today - 48 * 60 * minute, 100, 10 * minute));
    await store.append({ decisions: [...yesterday, ...before], labels: [] });
    for (let n = 0; n < 2; n += 1) {
      const reports = open({ now: today });
      await reports.watch();
      await reports.stop();
    }
    expect((await events("shifted")).filter((type) => type === "DriftDetected")).toEqual(["DriftDetected"]);
  });
});
