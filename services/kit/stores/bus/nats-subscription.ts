import {
  AckPolicy,
  type ConsumerMessages,
  DeliverPolicy,
  type JsMsg,
  type MsgHdrs,
  type NatsConnection,
  nanos,
} from "nats";
import { abortableDelay } from "../../abortable-delay.js";
import { type Delivery, type SubscribeOptions, type Subscription, streamOf } from "./port.js";

const fetchMs = 5_000;
const retryMs = 500;
/** Unsettled messages of a durable over all processes. */
const mostPending = 10_000;

export interface NatsSubscriptionOptions extends SubscribeOptions {
  /** The connection while it stands; throws otherwise. */
  current(): NatsConnection;
  /** Makes the stream when it is absent. */
  ensure(stream: string): Promise<void>;
  /** Aborts when the bus closes. */
  readonly closed: AbortSignal;
}

/** A durable pull consumer, made on demand, that outlives the loss of its connection and of its server. */
export function natsSubscription(options: NatsSubscriptionOptions): Subscription {
  const { maxInFlight } = options;
  const stopped = new AbortController();
  const ended = AbortSignal.any([stopped.signal, options.closed]);
  const room = inFlightCount(maxInFlight);
  let fetching: ConsumerMessages | undefined;
  ended.addEventListener("abort", () => void fetching?.stop(), { once: true });

  async function* deliveries(): AsyncGenerator<Delivery> {
    while (!ended.aborted) {
      try {
        const wanted = await room.available(ended);
        fetching = await fetch(options, wanted);
        for await (const message of fetching) {
          // What came too late to be handled comes again at once, to somebody else.
          if (ended.aborted) message.nak();
          else yield deliveryOf(message, room.enter());
        }
      } catch {
        // Away or restarting: `ping` tells, and the next turn tries again.
        await abortableDelay(retryMs, ended);
      }
    }
  }

  return {
    [Symbol.asyncIterator]: deliveries,
    pending: (timeoutMs) => pendingOf(options, timeoutMs),
    close: async () => stopped.abort(),
  };
}

async function pendingOf(options: NatsSubscriptionOptions, timeout: number): Promise<number> {
  const manager = await options.current().jetstreamManager({ checkAPI: false, timeout });
  const info = await manager.consumers.info(streamOf(options.subject), options.durable);
  return info.num_pending + info.num_ack_pending;
}

async function fetch(options: NatsSubscriptionOptions, wanted: number): Promise<ConsumerMessages> {
  const { durable, subject, ackWaitMs } = options;
  const connection = options.current();
  const stream = streamOf(subject);
  const js = connection.jetstream();
  const consumer = await js.consumers.get(stream, durable).catch(async () => {
    await options.ensure(stream);
    const manager = await js.jetstreamManager(false);
    await manager.consumers.add(stream, {
      durable_name: durable,
      filter_subject: subject,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(ackWaitMs),
      max_ack_pending: mostPending,
      // Whoever handles messages counts deliveries and sets a message aside; the server would forget it.
      max_deliver: -1,
    });
    return js.consumers.get(stream, durable);
  });
  return consumer.fetch({ max_messages: wanted, expires: fetchMs });
}

function deliveryOf(message: JsMsg, leave: () => void): Delivery {
  const settle = (how: () => void) => () => {
    how();
    leave();
  };
  return {
    id: message.headers?.get("Nats-Msg-Id") ?? "",
    subject: message.subject,
    headers: headersOf(message.headers),
    body: message.data,
    attempt: message.info.deliveryCount,
    ack: settle(() => message.ack()),
    nak: (delayMs) => settle(() => message.nak(delayMs))(),
    term: settle(() => message.term()),
    extend: () => message.working(),
  };
}

/** The headers that a publisher gave; those of NATS itself are left out. */
export function headersOf(headers: MsgHdrs | undefined): Record<string, string> {
  const given = [...(headers ?? [])].filter(([name]) => !name.startsWith("Nats-"));
  return Object.fromEntries(given.map(([name, values]) => [name.toLowerCase(), values[0] ?? ""]));
}

/** Counts unsettled messages and waits for room. */
function inFlightCount(limit: number) {
  let count = 0;
  let wake: (() => void) | undefined;
  return {
    /** Resolves to how many more there may be, at least half of the limit. */
    async available(signal: AbortSignal): Promise<number> {
      while (count > limit / 2 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const awake = () => {
            signal.removeEventListener("abort", awake);
            resolve();
          };
          wake = awake;
          signal.addEventListener("abort", awake);
        });
      }
      return limit - count;
    },
    enter() {
      count += 1;
      let inside = true;
      return () => {
        if (!inside) return;
        inside = false;
        count -= 1;
        wake?.();
      };
    },
  };
}
