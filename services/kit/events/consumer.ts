import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Event } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { abortableDelay } from "../abortable-delay.js";
import type { Clock } from "../clock.js";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import { inConsumerSpan } from "../spans.js";
import type { Bus, Delivery } from "../stores/bus/port.js";
import { fromMessage } from "./cloud-event.js";
import type { DeadLetters } from "./dead-letters.js";

/** What became of an event: duplicates were applied before. */
export type Outcome = "applied" | "duplicate";

/** What a consumer is made of. Durations are in milliseconds. */
export interface ConsumerOptions {
  readonly bus: Bus;
  /** Outlives processes; replicas of one name share the events. */
  readonly name: string;
  /** Such as `events.agents.>`. */
  readonly subject: string;
  /** Applies an event, which may come again. A failure is repeated. */
  apply(event: Event): Promise<Outcome>;
  readonly deadLetters: Pick<DeadLetters, "add">;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Failures after which an event is set aside; those of a database or peer that is away do not count. */
  readonly attempts?: number;
  /** How many events are in progress at once. */
  readonly concurrency?: number;
  /** After a crash the events in progress come again after this time. */
  readonly ackWaitMs?: number;
  /** Pause after the first failure; doubles from there, up to 5 seconds. */
  readonly retryMs?: number;
}

/** Reads events until stopped. */
export interface Consumer {
  /** Takes no more events; resolves when those in progress have ended or gone back. */
  stop(): Promise<void>;
}

const longestRetryMs = 5_000;
/** An event that ends its process again and again is never seen to fail. */
const mostDeliveries = 20;

/**
 * Starts a consumer. Events of one aggregate are applied one after the other in
 * the order of delivery, even when one fails and is repeated, up to its being
 * set aside; others go on meanwhile. Replicas that share a name may overtake each
 * other, and so may what comes again after a crash: whoever needs the order
 * compares versions.
 */
export async function startConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { concurrency = 64, ackWaitMs = 30_000 } = options;
  const stopped = new AbortController();
  const subscription = await options.bus.subscribe({
    durable: options.name,
    subject: options.subject,
    ackWaitMs,
    maxInFlight: concurrency,
  });
  const latest = new Map<string, Promise<void>>();
  showFromTheStart(options);

  const take = (delivery: Delivery) => {
    const event = fromMessage(delivery);
    const key = event ? `${event.aggregateType} ${event.aggregateId}` : delivery.id;
    const extending = setInterval(() => delivery.extend(), ackWaitMs / 3);
    const turn = (latest.get(key) ?? Promise.resolve())
      .then(() => settle(delivery, event, options, stopped.signal))
      .finally(() => {
        clearInterval(extending);
        if (latest.get(key) === turn) latest.delete(key);
      });
    latest.set(key, turn);
  };
  const reading = (async () => {
    for await (const delivery of subscription) take(delivery);
  })();

  return {
    async stop() {
      stopped.abort();
      await subscription.close();
      await reading;
      await Promise.all(latest.values());
    },
  };
}

/** A counter that is not there before its first event hides that event from rates. */
function showFromTheStart({ name: consumer, metrics }: ConsumerOptions): void {
  for (const outcome of ["applied", "duplicate", "dead"]) metrics.consumed.addMany(0, { consumer, outcome });
  metrics.consumeFailures.addMany(0, { consumer });
  metrics.eventLag.series({ consumer });
}

async function settle(
  delivery: Delivery,
  event: Event | undefined,
  options: ConsumerOptions,
  stopped: AbortSignal,
): Promise<void> {
  const { name: consumer, attempts = 5, retryMs = 100 } = options;
  let failures = 0;
  let failed = "";
  for (let pause = retryMs; !stopped.aborted; pause = Math.min(pause * 2, longestRetryMs)) {
    try {
      const hopeless = !event || delivery.attempt > mostDeliveries || failures >= attempts;
      if (hopeless) await setAside(delivery, event, failed || (event ? "NoOutcome" : "NoEvent"), options);
      const outcome = hopeless ? "dead" : await applyTraced(event, options);
      delivery.ack();
      options.metrics.consumed.add({ consumer, outcome });
      if (event) options.metrics.eventLag.observe(secondsSince(event, options.clock), { consumer });
      return;
    } catch (error) {
      if (!isAway(error)) failures += 1;
      failed = error instanceof Error ? error.name : typeof error;
      options.metrics.consumeFailures.add({ consumer });
      options.log.warn("an event failed", { ...describe(event), attempt: failures, cause: error });
    }
    await abortableDelay(pause, stopped);
  }
  delivery.nak();
}

function applyTraced(event: Event, { bus, name, subject, apply }: ConsumerOptions): Promise<Outcome> {
  const attributes = {
    "messaging.system.name": bus.system,
    "messaging.operation.name": "apply",
    "messaging.operation.type": "process",
    "messaging.destination.name": subject,
    "messaging.consumer.group.name": name,
    "messaging.message.id": event.id,
  };
  const { traceParent: traceparent } = event;
  return inConsumerSpan(`apply ${subject}`, { attributes, traceparent }, () => apply(event));
}

async function setAside(
  delivery: Delivery,
  event: Event | undefined,
  error: string,
  { name, deadLetters, log, clock }: ConsumerOptions,
): Promise<void> {
  const { id, subject, headers, body, attempt } = delivery;
  const message = { id, subject, headers, body };
  const letter = {
    consumer: name,
    id: event?.id ?? id,
    message,
    error,
    attempts: attempt,
    time: clock.now(),
  };
  await deadLetters.add(letter);
  log.error("an event was set aside", { ...describe(event), attempt });
}

function describe(event: Event | undefined) {
  return {
    event_type: event?.payload?.typeUrl,
    aggregate_type: event?.aggregateType,
    aggregate_id: event?.aggregateId,
    tenant: event?.tenantId,
  };
}

/** Clocks of two machines differ, but nothing is done with before it is recorded. */
function secondsSince({ time }: Event, clock: Clock): number {
  return time ? Math.max(0, clock.now() - timestampMs(time)) / 1000 : Number.NaN;
}

/** Whether it is not the event's fault: then waiting helps, and setting aside would not. */
export function isAway(error: unknown): boolean {
  return error instanceof ConnectError && error.code === Code.Unavailable;
}
