import { LRUCache } from "lru-cache";
import { errors } from "../../errors.js";
import { type MemoryQueue, memoryQueue } from "./memory-queue.js";
import { type Bus, type BusMessage, matches, type Published, type SubscribeOptions } from "./port.js";

export interface MemoryBusOptions {
  /** How many messages may wait in one subscription; those beyond do not get in. */
  readonly queueLimit?: number;
  /** How many ids of settled messages are remembered, to take none twice. */
  readonly rememberedIds?: number;
}

/**
 * A bus inside this process. It keeps nothing over the end of the process, so a
 * message is in only when every subscription has settled it: until then whoever
 * publishes still has it, which for events is the outbox. What nobody subscribes
 * to is in at once.
 */
export function memoryBus({ queueLimit = 1024, rememberedIds = 10_000 }: MemoryBusOptions = {}): Bus {
  const queues = new Map<string, MemoryQueue>();
  const settled = new LRUCache<string, true>({ max: rememberedIds });
  const underWay = new Map<string, Promise<void>>();
  const closed = new AbortController();

  // Published again while it waits to be settled, a message joins itself.
  const deliver = (message: BusMessage): Promise<void> => {
    const known = settled.has(message.id) ? Promise.resolve() : underWay.get(message.id);
    if (known) return known;
    const wanted = [...queues.values()].filter(({ subject }) => matches(message.subject, subject));
    if (wanted.some((queue) => queue.full())) {
      throw errors.overloaded({ workload: "The event bus", limit: queueLimit });
    }
    const delivery = Promise.all(wanted.map((queue) => queue.push(message))).then(() => {
      settled.set(message.id, true);
      underWay.delete(message.id);
    });
    underWay.set(message.id, delivery);
    return delivery;
  };

  const publish = async (messages: readonly BusMessage[], signal?: AbortSignal): Promise<Published> => {
    const bounds = signal ? [signal, closed.signal] : [closed.signal];
    const deliveries: Promise<void>[] = [];
    let refusal: { error: unknown } | undefined;
    let accepted = 0;
    try {
      for (const message of messages) deliveries.push(deliver(message));
    } catch (error) {
      refusal = { error };
    }
    try {
      for (const delivery of deliveries) {
        await abortable(delivery, bounds);
        accepted += 1;
      }
    } catch (error) {
      refusal = { error };
    }
    return refusal ? { complete: false, accepted, ...refusal } : { complete: true };
  };

  return {
    system: "memory",
    publish,
    async subscribe(options: SubscribeOptions) {
      if (closed.signal.aborted) throw unavailable();
      const queue = queues.get(options.durable) ?? memoryQueue(options, queueLimit);
      queues.set(options.durable, queue);
      return queue.read();
    },
    async ping() {
      if (closed.signal.aborted) throw unavailable();
    },
    async close() {
      closed.abort(unavailable());
      for (const queue of queues.values()) queue.close();
    },
  };
}

function unavailable() {
  return errors.dependencyUnavailable({ dependency: "The event bus" });
}

/** The promise's outcome, or the reason of whichever signal aborts before. */
function abortable(promise: Promise<void>, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signals.find(({ aborted }) => aborted)?.reason);
    if (signals.some(({ aborted }) => aborted)) return abort();
    for (const signal of signals) signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => {
      for (const signal of signals) signal.removeEventListener("abort", abort);
    });
  });
}
