import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Event } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import {
  type Consumer,
  type ConsumerOptions,
  type Outcome,
  startConsumer,
} from "../../kit/events/consumer.js";
import type { Timers } from "../../kit/timers.js";
import type { Pseudonyms } from "../domain/pseudonyms.js";
import type { Batch, ColumnStore } from "../store/port.js";
import { type EventRow, eventRow } from "./event-rows.js";
import { gather } from "./gather.js";
import { createLag } from "./lag.js";

/** What ingest is made of. */
export interface IngestOptions
  extends Pick<ConsumerOptions, "bus" | "deadLetters" | "log" | "metrics" | "clock"> {
  readonly store: Pick<ColumnStore, "append">;
  readonly pseudonyms: Pseudonyms;
  readonly timers?: Timers;
}

/** Keeps the engine's events. */
export interface Ingest extends Consumer {
  /** How far it is behind, in seconds; undefined before the first event. */
  lag(): number | undefined;
}

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
  const { store, pseudonyms, metrics, clock, timers } = options;
  const lag = createLag(clock);
  const showLag = () => metrics.analyticsLag.set(lag.seconds() ?? 0);
  const keep = async (rows: readonly EventRow[]) => {
    try {
      await store.append(batchOf(rows));
    } catch (error) {
      metrics.analyticsAppendFailures.add();
      throw error;
    }
    metrics.analyticsBatchRows.observe(rows.length);
  };
  const gathering = gather({ keep, most: mostRows, waitMs, ...(timers && { timers }) });

  const apply = async (event: Event): Promise<Outcome> => {
    const row = eventRow(event, { pseudonyms, now: clock.now() });
    if (!row) return "applied";
    const settled = lag.arrived(event.time ? timestampMs(event.time) : clock.now());
    try {
      await gathering.add(row);
      settled(true);
      return "applied";
    } catch (error) {
      settled(false);
      throw error;
    } finally {
      showLag();
    }
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

function batchOf(rows: readonly EventRow[]): Batch {
  return {
    decisions: rows.flatMap((one) => (one.kind === "decision" ? [one.row] : [])),
    labels: rows.flatMap((one) => (one.kind === "label" ? [one.row] : [])),
  };
}
