import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AggregateFunction,
  type QueryRequest,
  TimeUnit,
} from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { Dimension, Metric } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { AnswerLabel, VerdictLabel } from "#gen/ts/consciousness/engine/v1/calibration_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { newId } from "../../services/kit/ids.js";
import { rejectedBy } from "../support/expect-reason.js";
import {
  type Analytics,
  decided,
  labelled,
  principal,
  startAnalytics,
  startTime,
} from "./support/analytics.js";

const dayMs = 86_400_000;
const groups = 60;
const timeRange = {
  startTime: timestampFromMs(startTime - dayMs),
  endTime: timestampFromMs(startTime + dayMs),
};
const count = { function: AggregateFunction.COUNT };
const group = (dimension: Dimension) => ({ by: { case: "dimension" as const, value: dimension } });

let analytics: Analytics;
beforeAll(async () => {
  analytics = await startAnalytics({ bounds: { timeMs: 5_000, groups } });
});
afterAll(() => analytics?.stop());

/** A tenant that nobody else of the file has. */
function tenant() {
  const name = newId();
  const mine = analytics.as(principal({ tenant: name }));
  const query = async (asked: object = {}) => {
    const { rows } = await mine.query({ timeRange, aggregations: [count], ...asked } as QueryRequest);
    return rows.map(({ values }) =>
      values.map(({ kind }) => (kind.case === "nullValue" ? null : kind.value)),
    );
  };
  return { name, mine, query };
}

describe("events of decisions", () => {
  it("count once, however often they come, together or one after the other", async () => {
    const { name, query } = tenant();
    const first = decided({}, { tenant: name });
    const again = { ...first, id: newId() };
    await analytics.hear(first, again, decided({}, { tenant: name }));
    await analytics.hear({ ...first, id: newId() });
    expect(await query()).toEqual([[2]]);
  });

  it("count at the time at which they were recorded", async () => {
    const { name, query } = tenant();
    await analytics.hear(decided({}, { tenant: name, time: startTime - 3_600_000 }));
    const time = { by: { case: "time", value: { unit: TimeUnit.HOUR, timeZone: "Europe/Vienna" } } };
    expect(await query({ groupBy: [time] })).toEqual([["2026-03-01T12:00:00+01:00", 1]]);
  });

  it("have labels that may come before them, and change", async () => {
    const { name, query } = tenant();
    const decisionId = newId();
    const feedback = { tenant: name, aggregateId: newId() };
    await analytics.hear(
      labelled({ decisionId, answer: AnswerLabel.SUPPORTED, verdict: VerdictLabel.TOO_STRICT }, feedback),
    );
    await analytics.hear(decided({ decisionId }, { tenant: name }));
    const labels = { groupBy: [group(Dimension.LABEL)] };
    expect(await query(labels)).toEqual([
      ["answer_supported", 1],
      ["verdict_too_strict", 1],
    ]);
    await analytics.hear(
      labelled({ decisionId, answer: AnswerLabel.UNSUPPORTED }, { ...feedback, version: 2n }),
    );
    await analytics.hear(labelled({ decisionId, answer: AnswerLabel.SUPPORTED }, feedback));
    expect(await query(labels)).toEqual([["answer_unsupported", 1]]);
  });

  it("keep every figure that was measured, and none that was not", async () => {
    const { name, query } = tenant();
    await analytics.hear(
      decided(
        { consciousnessQuality: 0.8, frameworkScores: { care: 0.5 }, composeUsage: { inputTokens: 12 } },
        { tenant: name },
      ),
    );
    const max = (metric: Metric, key = "") => ({ function: AggregateFunction.MAX, metric, key });
    const aggregations = [
      max(Metric.PROCESSING_TIME),
      max(Metric.QUALITY),
      max(Metric.FRAMEWORK_SCORE, "care"),
      max(Metric.STAGE_TIME, "compose"),
      max(Metric.INPUT_TOKENS),
      max(Metric.COST),
      max(Metric.GPU_SHARE),
    ];
    expect(await query({ aggregations })).toEqual([[18, 0.8, 0.5, 15, 12, null, null]]);
  });

  it("name no account, and the same one by the same pseudonym", async () => {
    const { name, query } = tenant();
    const by = (actor: string) => decided({}, { tenant: name, actor });
    await analytics.hear(by("ann"), by("ann"), by("bob"));
    const users = await query({
      groupBy: [group(Dimension.USER)],
      orderBy: [{ column: "count", descending: true }],
    });
    expect(users.map(([, decisions]) => decisions)).toEqual([2, 1]);
    expect(JSON.stringify(users)).not.toMatch(/ann|bob/);
    expect(await query({ filter: { userIds: ["ann"] } })).toEqual([[2]]);
    expect(await query({ filter: { userIds: [String(users[1]?.[0])] } })).toEqual([[1]]);
  });
});

describe("another tenant's decisions", () => {
  it("are neither counted nor found by any filter", async () => {
    const [mine, theirs] = [tenant(), tenant()];
    const agentId = newId();
    const event = decided({ agentId, ruleIds: ["harm.fraud"] }, { tenant: theirs.name, actor: "eve" });
    await analytics.hear(event);
    expect(await theirs.query()).toEqual([[1]]);
    const pseudonym = (await theirs.query({ groupBy: [group(Dimension.USER)] }))[0]?.[0];
    const filters = [
      {},
      { agentIds: [agentId] },
      { ruleIds: ["harm.fraud"] },
      { userIds: ["eve", pseudonym] },
    ];
    for (const filter of filters) {
      expect(await mine.query({ filter })).toEqual([[0]]);
      expect(await mine.query({ filter, groupBy: [group(Dimension.RULE)] })).toEqual([]);
    }
    const { decisions } = await mine.mine.getPerformance({ agentId });
    const { metrics } = await mine.mine.getMetrics({});
    expect([decisions, metrics?.windows[2]?.decisions]).toEqual([0n, 0n]);
    expect((await mine.mine.getConsciousness({})).rules).toEqual([]);
  });

  it("count for who administers tenants, when asked for", async () => {
    const [one, another] = [tenant(), tenant()];
    await analytics.hear(decided({}, { tenant: one.name }), decided({}, { tenant: another.name }));
    const admin = analytics.as(principal({ permissions: [Permission.TENANT_ADMIN] }));
    const request = {
      timeRange,
      aggregations: [count],
      groupBy: [group(Dimension.TENANT)],
      allTenants: true,
    };
    const { rows } = await admin.query(request);
    const tenants = rows.map(({ values }) => values[0]?.kind.value);
    expect(tenants).toEqual(expect.arrayContaining([one.name, another.name]));
    const { metrics } = await admin.getMetrics({ allTenants: true });
    expect(Number(metrics?.windows[0]?.decisions)).toBeGreaterThanOrEqual(2);
  });

  it.each(["getMetrics", "getPerformance", "getConsciousness", "query"] as const)(
    "are refused to everybody else by %s",
    async (method) => {
      const call = tenant().mine[method] as (request: object) => Promise<object>;
      const request = { timeRange, aggregations: [count], allTenants: true };
      const { allTenants } = request;
      expect(await rejectedBy(call(method === "query" ? request : { allTenants }))).toMatchObject({
        code: "PermissionDenied",
        reason: "ALL_TENANTS_NOT_ALLOWED",
      });
    },
  );
});

describe("a query", () => {
  it("comes in pages that join without a gap", async () => {
    const { name, mine } = tenant();
    const agents = Array.from({ length: 5 }, () => newId());
    await analytics.hear(...agents.map((agentId) => decided({ agentId }, { tenant: name })));
    const request = { timeRange, aggregations: [count], groupBy: [group(Dimension.AGENT)], pageSize: 2 };
    const found: unknown[] = [];
    let pageToken = "";
    do {
      const page = await mine.query({ ...request, pageToken });
      expect(page.rows.length).toBeLessThanOrEqual(2);
      found.push(...page.rows.map(({ values }) => values[0]?.kind.value));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(found).toEqual([...agents].sort());
  });

  it("ends its pages at the limit", async () => {
    const { name, mine } = tenant();
    await analytics.hear(...["a", "b", "c"].map((agentId) => decided({ agentId }, { tenant: name })));
    const request = { timeRange, aggregations: [count], groupBy: [group(Dimension.AGENT)], limit: 2 };
    const first = await mine.query({ ...request, pageSize: 1 });
    const second = await mine.query({ ...request, pageSize: 5, pageToken: first.nextPageToken });
    expect([first.rows.length, second.rows.length, second.nextPageToken]).toEqual([1, 1, ""]);
    const whole = await mine.query(request);
    expect([whole.rows.length, whole.nextPageToken]).toEqual([2, ""]);
  });

  it("has a page token of its own, of no use to another query or tenant", async () => {
    const { name, mine } = tenant();
    await analytics.hear(...["a", "b"].map((agentId) => decided({ agentId }, { tenant: name })));
    const request = { timeRange, aggregations: [count], groupBy: [group(Dimension.AGENT)], pageSize: 1 };
    const { nextPageToken: pageToken } = await mine.query(request);
    expect((await mine.query({ ...request, pageToken })).rows).toHaveLength(1);
    const invalid = { code: "InvalidArgument", reason: "PAGE_TOKEN_INVALID" };
    expect(await rejectedBy(mine.query({ ...request, limit: 5, pageToken }))).toMatchObject(invalid);
    expect(await rejectedBy(tenant().mine.query({ ...request, pageToken }))).toMatchObject(invalid);
    expect(await rejectedBy(mine.query({ ...request, pageToken: "abc" }))).toMatchObject(invalid);
  });

  it("is refused when it makes more groups than it may", async () => {
    const { name, mine } = tenant();
    const agents = Array.from({ length: groups + 1 }, () => decided({ agentId: newId() }, { tenant: name }));
    await analytics.hear(...agents);
    const request = { timeRange, aggregations: [count], groupBy: [group(Dimension.AGENT)], limit: 1 };
    expect(await rejectedBy(mine.query(request))).toMatchObject({
      code: "FailedPrecondition",
      reason: "QUERY_TOO_EXPENSIVE",
    });
    expect((await mine.query({ ...request, groupBy: [] })).rows).toHaveLength(1);
  });

  it("takes SQL in its texts for texts, and changes nothing", async () => {
    const { name, mine, query } = tenant();
    await analytics.hear(decided({}, { tenant: name }));
    const texts = ["' or '1'='1", "'; drop table labels; --", '") or 1=1 --', "$1", "\\'; select 1"];
    for (const text of texts) {
      const filters = ["agentIds", "userIds", "ruleIds", "labels", "modelVersions"];
      for (const field of filters) expect(await query({ filter: { [field]: [text] } })).toEqual([[0]]);
      const column = { orderBy: [{ column: text }] };
      const zone = { groupBy: [{ by: { case: "time", value: { unit: TimeUnit.DAY, timeZone: text } } }] };
      const stage = { function: AggregateFunction.MAX, metric: Metric.STAGE_TIME, key: text };
      for (const asked of [column, zone]) {
        const request = { timeRange, aggregations: [count], ...asked } as QueryRequest;
        expect(await rejectedBy(mine.query(request))).toMatchObject({ reason: "QUERY_INVALID" });
      }
      expect(await query({ aggregations: [{ ...stage, name: "x" }] })).toEqual([[null]]);
    }
    expect(await query()).toEqual([[1]]);
  });
});

describe("the course of a period", () => {
  it("tells times, stages and resources of decisions, and how many there were", async () => {
    const { name, mine } = tenant();
    const stages = [
      { stage: "retrieve", durationMs: 3 },
      { stage: "compose", durationMs: 30 },
    ];
    const slow = { processingMetrics: { queueMs: 0, totalMs: 40, stages } };
    await analytics.hear(
      decided({ cpuShare: 0.5 }, { tenant: name }),
      decided(slow, { tenant: name, time: startTime - 7_200_000 }),
    );
    const answer = await mine.getPerformance({ endTime: timestampFromMs(startTime + 1000) });
    expect(answer.decisions).toBe(2n);
    expect(answer.decisionsPerSecond).toBeCloseTo(2 / 86_400, 9);
    expect(answer.times.map(({ metric, unit, distribution }) => [metric, unit, distribution?.max])).toEqual([
      [Metric.TOTAL_TIME, "ms", 40],
      [Metric.PROCESSING_TIME, "ms", 40],
      [Metric.QUEUE_TIME, "ms", 2],
    ]);
    expect(answer.times[0]?.distribution).toMatchObject({ count: 2n, mean: 30, min: 20, p50: 30 });
    expect(answer.stages.map(({ key }) => key)).toEqual(["compose", "retrieve"]);
    expect(answer.resources.map(({ metric }) => metric)).toEqual([Metric.CPU_SHARE]);
    expect(
      answer.series.map(({ time, decisions, p95Ms }) => [Number(time?.seconds), decisions, p95Ms]),
    ).toEqual([
      [startTime / 1000 - 7_200, 1n, 40],
      [startTime / 1000, 1n, 20],
    ]);
  });

  it("tells verdicts, scores, frameworks and the rules that were hit most", async () => {
    const { name, mine } = tenant();
    const blocked = { verdict: Verdict.BLOCKED, ruleIds: ["harm.fraud", "privacy.person"] };
    await analytics.hear(
      decided({ consciousnessQuality: 0.6, ethicalScore: 1, frameworkScores: { care: 1 } }, { tenant: name }),
      decided({ ...blocked, ethicalScore: 0 }, { tenant: name }),
      decided({ verdict: Verdict.BLOCKED, ruleIds: ["harm.fraud"] }, { tenant: name }),
    );
    const answer = await mine.getConsciousness({
      startTime: timestampFromMs(startTime - 3_600_000),
      endTime: timestampFromMs(startTime + 1000),
    });
    expect([answer.decisions, answer.verdicts]).toEqual([3n, { allowed: 1n, blocked: 2n }]);
    expect(answer.scores.map(({ metric, distribution }) => [metric, distribution?.mean])).toEqual([
      [Metric.ETHICAL_SCORE, 0.5],
      [Metric.QUALITY, 0.6],
    ]);
    expect(answer.frameworks.map(({ key, distribution }) => [key, distribution?.count])).toEqual([
      ["care", 1n],
    ]);
    expect(answer.rules.map(({ ruleId, decisions }) => [ruleId, decisions])).toEqual([
      ["harm.fraud", 2n],
      ["privacy.person", 1n],
    ]);
    expect(answer.series).toMatchObject([{ decisions: 3n, meanQuality: 0.6, meanEthicalScore: 0.5 }]);
    expect(answer.series[0]?.meanConfidence).toBeUndefined();
  });

  it("has to be one", async () => {
    const at = timestampFromMs(startTime);
    expect(await rejectedBy(tenant().mine.getPerformance({ startTime: at, endTime: at }))).toMatchObject({
      code: "InvalidArgument",
      reason: "VALIDATION_FAILED",
    });
  });
});

it("depends on its database and its store, and counts what it keeps", async () => {
  const needed = analytics.served.dependencies.map(({ name, degrades = false }) => [name, degrades]);
  expect(needed).toEqual([
    ["database", false],
    ["analytics store", true],
  ]);
  for (const { check } of analytics.served.dependencies) await check(AbortSignal.timeout(5000));
  await analytics.hear(decided());
  expect(await analytics.matching("analytics_ingest_lag_seconds ")).toEqual([
    "analytics_ingest_lag_seconds 0",
  ]);
  const [batches] = await analytics.matching("analytics_ingest_batch_rows_count ");
  expect(Number(batches?.split(" ")[1])).toBeGreaterThan(0);
});
