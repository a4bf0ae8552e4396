import type { Event } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import {
  type Consumer,
  type ConsumerOptions,
  type Outcome,
  startConsumer,
} from "../../kit/events/consumer.js";
import type { Pseudonyms } from "../domain/pseudonyms.js";
import type { Batch, ColumnStore } from "../store/port.js";
import { type EventRow, eventRow } from "./event-rows.js";
import { gather } from "./gather.js";
import { createLag } from "./lag.js";

/** What ingest is made of. */
export interface IngestOptions
  extends Pick<ConsumerOptions, "bus" | "deadLetters" | "log" | "metrics" | "clock" | "retryMs"> {
  readonly store: Pick<ColumnStore, "append">;
  readonly pseudonyms: Pseudonyms;
}

/** Keeps the engine's events. */
export interface Ingest extends Consumer {
  /** How far it is behind, in seconds; undefined before the first event. */
  lag(): number | undefined;
}

/** A row, and what to call when it is kept, or was not. */
type Gathered = EventRow & { readonly settled: (kept: boolean) => void };

const mostRows = 500;
/** Short, as a bus in memory holds back whatever comes after what is not settled. */
const waitMs = 50;

/**
 * Starts to keep events of the engine, many at once. An event is settled when
 * the store has its row, so that whatever ends the process between is repeated;
 * the store leaves alone what it has. At most two batches are in memory: while
 * the store is away, events wait on the bus. What cannot be kept is set aside.
 */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const { store, pseudonyms, metrics, clock } = options;
  const lag = createLag(clock);
  const settle = (gathered: readonly Gathered[], kept: boolean) => {
    for (const { settled } of gathered) settled(kept);
    metrics.analyticsLag.set(lag.seconds() ?? 0);
  };
  const keep = async (gathered: readonly Gathered[]) => {
    try {
      await store.append(batchOf(gathered));
    } catch (error) {
      metrics.analyticsAppendFailures.add();
      settle(gathered, false);
      throw error;
    }
    metrics.analyticsBatchRows.observe(gathered.length);
    settle(gathered, true);
  };
  const gathering = gather({ keep, most: mostRows, waitMs });

  const apply = async (event: Event): Promise<Outcome> => {
    const row = eventRow(event, { pseudonyms, now: clock.now() });
    if (row) await gathering.add({ ...row, settled: lag.arrived(row.row.time.getTime()) });
    return "applied";
  };

  const consumer = await startConsumer({
    ...options,
    name: "analytics-engine",
    subject: "events.engine.>",
    apply,
    concurrency: 2 * mostRows,
  });
  return { stop: consumer.stop, lag: lag.seconds };
}

function batchOf(gathered: readonly Gathered[]): Batch {
  return {
    decisions: gathered.flatMap((one) => (one.kind === "decision" ? [one.row] : [])),
    labels: gathered.flatMap((one) => (one.kind === "label" ? [one.row] : [])),
  };
}
