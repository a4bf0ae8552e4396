import { type Kysely, sql } from "kysely";
import { abortableDelay, boundedSignal } from "../abortable-delay.js";
import type { Clock } from "../clock.js";
import { type Lease, lease } from "../lease.js";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import { type OutboxTables, toEvent } from "../outbox.js";
import type { Bus } from "../stores/bus/port.js";
import type { Dependency } from "../workload.js";
import { toMessage } from "./cloud-event.js";

/** What a relay is made of. Durations are in milliseconds. */
export interface RelayOptions<Tables extends OutboxTables> {
  /** The schema whose outbox is relayed. */
  readonly db: Kysely<Tables>;
  readonly bus: Bus;
  /** The workload that records the events; names their stream. */
  readonly workload: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Most events published at once. */
  readonly batch?: number;
  /** Pause when there is nothing to relay. */
  readonly idleMs?: number;
  /** How long another relay waits after this one was killed. */
  readonly leaseMs?: number;
}

/** Events that wait in an outbox. */
export interface OutboxDepth {
  /** How many; counted up to 100,000. */
  readonly pending: number;
  /** Age of the oldest; 0 when none waits. */
  readonly oldestSeconds: number;
}

/** Carries events from an outbox to the bus. */
export interface Relay {
  /** Fails while events cannot leave. The workload serves all the same: they wait. */
  readonly dependency: Dependency;
  /** What waits, as last counted; undefined before that. */
  depth(): OutboxDepth | undefined;
  /** Begins; once, and when every consumer of this process has subscribed, as a bus in memory forgets what nobody wants. */
  start(): void;
  /** Ends after the batch under way. */
  stop(): Promise<void>;
}

const countBound = 100_000;
const measureMs = 5_000;
const firstRetryMs = 100;
const longestRetryMs = 2_000;

/**
 * Makes the relay of a workload. Of all its relays one is active, by a lease. It
 * publishes batch after batch in the order of recording and marks what the bus
 * has answered for; one killed in between is repeated by the next, with the same
 * message ids. While the bus is away events wait in the database and nowhere
 * else. Per aggregate the order is that of the versions.
 */
export function createRelay<Tables extends OutboxTables>(options: RelayOptions<Tables>): Relay {
  const { bus, workload, log, metrics, clock, idleMs = 100, leaseMs = 10_000 } = options;
  const db = options.db as unknown as Kysely<OutboxTables>;
  const stopped = new AbortController();
  const held = renewed(lease(db, { name: "relay", ttlMs: leaseMs }), clock, leaseMs / 3);
  // A counter that is not there before its first event hides that event from rates.
  metrics.outboxRelayed.addMany(0, { workload });
  let depth: OutboxDepth | undefined;
  const measure = every(measureMs, clock, async () => {
    depth = await measureOutbox(db, options);
  });
  let failure: { readonly error: unknown } | undefined;

  const round = async () => {
    await measure();
    if (!(await held.hold())) return false;
    const bound = boundedSignal(leaseMs / 2, stopped.signal);
    return forward(db, options, bound.signal).finally(bound.release);
  };

  const run = async () => {
    let retryMs = firstRetryMs;
    while (!stopped.signal.aborted) {
      try {
        const more = await round();
        if (failure) log.info("events leave again", { workload });
        failure = undefined;
        retryMs = firstRetryMs;
        if (!more) await abortableDelay(idleMs, stopped.signal);
      } catch (error) {
        if (!failure && !stopped.signal.aborted) log.warn("events wait", { workload, cause: error });
        failure = { error };
        await abortableDelay(retryMs, stopped.signal);
        retryMs = Math.min(retryMs * 2, longestRetryMs);
      }
    }
    await held.release().catch(() => undefined);
  };

  let running: Promise<void> | undefined;
  return {
    dependency: {
      name: "events",
      degrades: true,
      async check(signal) {
        await bus.ping(signal);
        if (failure) throw failure.error;
      },
    },
    depth: () => depth,
    start() {
      running ??= run();
    },
    async stop() {
      stopped.abort(new Error("the relay stops"));
      await running;
    },
  };
}

/** Publishes one batch; resolves to whether there may be more. Rejects when not all of it got in. */
async function forward(
  db: Kysely<OutboxTables>,
  {
    bus,
    workload,
    metrics,
    batch = 256,
  }: Pick<RelayOptions<OutboxTables>, "bus" | "workload" | "metrics" | "batch">,
  signal: AbortSignal,
): Promise<boolean> {
  const rows = await db
    .selectFrom("outbox")
    .selectAll()
    .where("published_at", "is", null)
    .orderBy("position")
    .limit(batch)
    .execute();
  if (rows.length === 0) return false;
  const published = await bus.publish(
    rows.map((row) => toMessage(toEvent(row), workload)),
    signal,
  );
  const accepted = published.complete ? rows : rows.slice(0, published.accepted);
  if (accepted.length > 0) {
    await db
      .updateTable("outbox")
      .set({ published_at: sql<Date>`now()` })
      .where("id", "=", sql<string>`any(${accepted.map(({ id }) => id)}::uuid[])`)
      .execute();
    metrics.outboxRelayed.addMany(accepted.length, { workload });
  }
  if (!published.complete) throw published.error;
  return rows.length === batch;
}

async function measureOutbox(
  db: Kysely<OutboxTables>,
  { workload, metrics, clock }: Pick<RelayOptions<OutboxTables>, "workload" | "metrics" | "clock">,
): Promise<OutboxDepth> {
  const pending = db.selectFrom("outbox").where("published_at", "is", null);
  const { count } = await db
    .selectFrom(pending.select("position").limit(countBound).as("pending"))
    .select((row) => row.fn.countAll<bigint>().as("count"))
    .executeTakeFirstOrThrow();
  const oldest = await pending.select("time").orderBy("position").limit(1).executeTakeFirst();
  const oldestSeconds = oldest ? Math.max(0, clock.now() - oldest.time.getTime()) / 1000 : 0;
  metrics.outboxPending.set(Number(count), { workload });
  metrics.outboxAge.set(oldestSeconds, { workload });
  return { pending: Number(count), oldestSeconds };
}

/** A lease that asks the database only when `renewMs` have passed. */
function renewed(inner: Lease, clock: Clock, renewMs: number): Lease {
  let heldSince = Number.NEGATIVE_INFINITY;
  return {
    async hold() {
      const now = clock.monotonic();
      if (now - heldSince < renewMs) return true;
      const held = await inner.hold();
      heldSince = held ? now : Number.NEGATIVE_INFINITY;
      return held;
    },
    release: inner.release,
  };
}

function every(ms: number, clock: Clock, work: () => Promise<void>): () => Promise<void> {
  let last = Number.NEGATIVE_INFINITY;
  return async () => {
    if (clock.monotonic() - last < ms) return;
    last = clock.monotonic();
    await work();
  };
}
