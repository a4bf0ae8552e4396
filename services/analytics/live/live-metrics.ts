import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { LRUCache } from "lru-cache";
import {
  type LiveMetrics,
  LiveMetricsSchema,
  type LiveWindowSchema,
} from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { Metric } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Ask } from "../domain/ask.js";
import { distributionColumns, distributionOf } from "../domain/distributions.js";
import { everything } from "../domain/selection.js";
import type { Figure } from "../store/port.js";
import type { Aggregation } from "../store/terms.js";

/** Reads the figures of the last minutes. */
export interface Live {
  /** Those of a tenant, of all of them where it is undefined; at most a second old. */
  of(tenantId: string | undefined): Promise<LiveMetrics>;
}

/** What reading them takes. */
export interface LiveOptions {
  readonly ask: Ask;
  readonly clock: Clock;
  /** Seconds; undefined before the first event. */
  lag(): number | undefined;
}

type Window = MessageInitShape<typeof LiveWindowSchema>;

interface Taken {
  readonly at: number;
  readonly metrics: Promise<LiveMetrics>;
}

/** Lengths of the windows, in seconds. */
const windowLengths = [60, 300, 900];
const freshMs = 1_000;
const mostTenants = 1_000;

const totalTime = { metric: Metric.TOTAL_TIME, key: "" };
const average = (figure: Figure): Aggregation => ({ kind: "average", metric: { kind: "figure", figure } });
const sum = (figure: Figure): Aggregation => ({ kind: "sum", metric: { kind: "figure", figure } });
const columns = {
  decisions: { kind: "count" },
  quality: average("quality"),
  ethical_score: average("ethical_score"),
  confidence: average("confidence"),
  agents: { kind: "distinct", dimension: "agent" },
  users: { kind: "distinct", dimension: "user" },
  input_tokens: sum("input_tokens"),
  output_tokens: sum("output_tokens"),
  cost: sum("cost"),
} satisfies Record<string, Aggregation>;

/**
 * Live figures, read from the store. Replicas share one subscription, so that
 * each sees a part of the events: windows in memory would differ from replica to
 * replica, begin empty at each start, and count what comes again twice. The
 * store has each decision once. However many ask and watch, a tenant's figures
 * are read once a second.
 */
export function createLive({ ask, clock, lag }: LiveOptions): Live {
  const taken = new LRUCache<string, Taken>({ max: mostTenants });

  const take = async (tenantId: string | undefined, now: number): Promise<LiveMetrics> => {
    const windows = await Promise.all(
      windowLengths.map((seconds) => readWindow(ask, tenantId, { seconds, now })),
    );
    const behind = lag();
    return create(LiveMetricsSchema, {
      time: timestampFromMs(now),
      windows,
      ...(behind !== undefined && { ingestLagSeconds: behind }),
    });
  };

  return {
    of(tenantId) {
      // No tenant's id is empty.
      const key = tenantId ?? "";
      const now = clock.now();
      const known = taken.get(key);
      if (known && Math.abs(now - known.at) < freshMs) return known.metrics;
      const metrics = take(tenantId, now);
      taken.set(key, { at: now, metrics });
      metrics.catch(() => taken.delete(key));
      return metrics;
    },
  };
}

async function readWindow(
  ask: Ask,
  tenantId: string | undefined,
  { seconds, now }: { readonly seconds: number; readonly now: number },
): Promise<Window> {
  // What was decided just now belongs to it.
  const until = new Date(now + 1);
  const from = new Date(until.getTime() - seconds * 1000);
  const selection = everything(tenantId, { from, until });
  const [row, byVerdict] = await Promise.all([
    ask.row({ selection, aggregates: { ...columns, ...distributionColumns([totalTime]) } }),
    ask.rows({
      selection,
      groups: [{ name: "verdict", kind: "dimension", dimension: "verdict" }],
      aggregates: { decisions: columns.decisions },
    }),
  ]);
  const decisions = row.decisions ?? 0;
  const distribution = distributionOf(totalTime, row);
  return {
    seconds,
    decisions: BigInt(decisions),
    decisionsPerSecond: decisions / seconds,
    verdicts: Object.fromEntries(byVerdict.map((one) => [String(one.verdict), BigInt(one.decisions ?? 0)])),
    ...(distribution && { totalTime: distribution }),
    ...(row.quality !== null && { meanQuality: row.quality }),
    ...(row.ethical_score !== null && { meanEthicalScore: row.ethical_score }),
    ...(row.confidence !== null && { meanConfidence: row.confidence }),
    activeAgents: BigInt(row.agents ?? 0),
    activeUsers: BigInt(row.users ?? 0),
    tokens: BigInt(Math.round((row.input_tokens ?? 0) + (row.output_tokens ?? 0))),
    cost: row.cost ?? 0,
  };
}
