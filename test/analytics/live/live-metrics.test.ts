import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { createAsk } from "../../../services/analytics/domain/ask.js";
import { createPseudonyms } from "../../../services/analytics/domain/pseudonyms.js";
import { eventRow } from "../../../services/analytics/ingest/event-rows.js";
import { createLive } from "../../../services/analytics/live/live-metrics.js";
import { openDuckdb } from "../../../services/analytics/store/duckdb/store.js";
import type { ColumnStore } from "../../../services/analytics/store/port.js";
import { decided, startTime } from "../support/analytics.js";

const pseudonyms = createPseudonyms(Buffer.alloc(32, 1));
const bounds = { timeMs: 5_000, groups: 100 };

let store: ColumnStore;
beforeAll(async () => {
  store = await openDuckdb();
});
afterAll(() => store?.close());

/** Live figures over the store, and how often they asked it. */
function live({ lag = undefined as number | undefined } = {}) {
  const time = { now: startTime };
  const asked: (string | undefined)[] = [];
  const counting: Pick<ColumnStore, "query"> = {
    query(plan, ...rest) {
      asked.push(plan.selection.tenantId);
      return store.query(plan, ...rest);
    },
  };
  const clock = { now: () => time.now, monotonic: () => time.now };
  return { time, asked, live: createLive({ ask: createAsk(counting, bounds), clock, lag: () => lag }) };
}

async function keep(...events: readonly Parameters<typeof eventRow>[0][]): Promise<void> {
  const rows = events.map((event) => eventRow(event, { pseudonyms, now: startTime }));
  await store.append({
    decisions: rows.flatMap((one) => (one?.kind === "decision" ? [one.row] : [])),
    labels: [],
  });
}

describe("live figures", () => {
  it("tell one, five and fifteen minutes apart", async () => {
    const tenant = "windows";
    const ago = (seconds: number) => ({ tenant, time: startTime - seconds * 1000 });
    await keep(
      decided(
        { consciousnessQuality: 0.5, composeUsage: { inputTokens: 7, outputTokens: 3, cost: 0.25 } },
        ago(0),
      ),
      decided(
        { verdict: Verdict.BLOCKED, consciousnessQuality: 1, agentId: "a" },
        { ...ago(59), actor: "bob" },
      ),
      decided({ processingMetrics: { totalMs: 100 } }, ago(60)),
      decided({}, ago(299)),
      decided({}, ago(899)),
      decided({}, ago(900)),
    );
    const { windows, ingestLagSeconds } = await live({ lag: 1.5 }).live.of(tenant);
    expect(windows.map(({ seconds, decisions }) => [seconds, decisions])).toEqual([
      [60, 2n],
      [300, 4n],
      [900, 5n],
    ]);
    expect(windows[0]).toMatchObject({
      decisionsPerSecond: 2 / 60,
      verdicts: { allowed: 1n, blocked: 1n },
      totalTime: { count: 2n, mean: 20, min: 20, max: 20, p50: 20, p95: 20, p99: 20 },
      meanQuality: 0.75,
      activeAgents: 2n,
      activeUsers: 2n,
      tokens: 10n,
      cost: 0.25,
    });
    expect(windows[0]?.meanConfidence).toBeUndefined();
    expect(windows[1]?.totalTime).toMatchObject({ max: 100 });
    expect(ingestLagSeconds).toBe(1.5);
  });

  it("are of nothing before the first decision", async () => {
    const { windows, ingestLagSeconds } = await live().live.of("nobody");
    expect(windows[2]).toMatchObject({ decisions: 0n, decisionsPerSecond: 0, verdicts: {}, tokens: 0n });
    expect([windows[2]?.totalTime, ingestLagSeconds]).toEqual([undefined, undefined]);
  });

  it("are read once a second for a tenant, however many ask", async () => {
    const { live: figures, time, asked } = live();
    await Promise.all(Array.from({ length: 50 }, () => figures.of("busy")));
    const once = asked.length;
    time.now += 999;
    await figures.of("busy");
    expect(asked).toHaveLength(once);
    await figures.of("another");
    expect(asked.slice(once)).toEqual(Array(once).fill("another"));
    time.now += 1;
    await figures.of("busy");
    expect(asked).toHaveLength(3 * once);
  });

  it("are read anew after a failure", async () => {
    let failing = true;
    const clock = { now: () => startTime, monotonic: () => 0 };
    const query: ColumnStore["query"] = (...all) =>
      failing ? Promise.reject(new Error("away")) : store.query(...all);
    const figures = createLive({ ask: createAsk({ query }, bounds), clock, lag: () => undefined });
    await expect(figures.of("acme")).rejects.toThrow("away");
    failing = false;
    expect((await figures.of("acme")).windows).toHaveLength(3);
  });
});
