import type { BusMessage, Delivery, SubscribeOptions, Subscription } from "./port.js";

interface Entry {
  readonly message: BusMessage;
  attempt: number;
  readonly settle: () => void;
}

/** What a durable subscription of the bus in memory has to deliver. */
export interface MemoryQueue {
  readonly subject: string;
  full(): boolean;
  /** Resolves when the message is settled. */
  push(message: BusMessage): Promise<void>;
  /** One more reader of the queue. */
  read(): Subscription;
  close(): void;
}

/** First in, first out; what comes again comes first. At most `limit` messages wait. */
export function memoryQueue(options: SubscribeOptions, limit: number): MemoryQueue {
  const { ackWaitMs, maxInFlight } = options;
  const ready: Entry[] = [];
  const readers = new Set<() => void>();
  const timers = new Set<NodeJS.Timeout>();
  let inFlight = 0;
  let closed = false;

  const wake = () => {
    for (const reader of [...readers]) reader();
  };
  const later = (delayMs: number, work: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, delayMs);
    timers.add(timer);
    return () => {
      clearTimeout(timer);
      timers.delete(timer);
    };
  };

  const deliver = (entry: Entry): Delivery => {
    let open = true;
    inFlight += 1;
    entry.attempt += 1;
    const finish = (next: () => void) => {
      if (!open) return;
      open = false;
      cancel();
      inFlight -= 1;
      next();
      wake();
    };
    const again = () => {
      ready.unshift(entry);
      wake();
    };
    const expire = () => finish(again);
    let cancel = later(ackWaitMs, expire);
    return {
      ...entry.message,
      attempt: entry.attempt,
      ack: () => finish(entry.settle),
      term: () => finish(entry.settle),
      nak: (delayMs = 0) => finish(() => void later(delayMs, again)),
      extend: () => {
        if (!open) return;
        cancel();
        cancel = later(ackWaitMs, expire);
      },
    };
  };

  const read = (): Subscription => {
    let ended = false;
    let waiting: (() => void) | undefined;
    const take = async (): Promise<IteratorResult<Delivery>> => {
      for (;;) {
        if (ended || closed) return { done: true, value: undefined };
        const entry = inFlight < maxInFlight ? ready.shift() : undefined;
        if (entry) return { done: false, value: deliver(entry) };
        await new Promise<void>((resolve) => {
          waiting = resolve;
          readers.add(resolve);
        });
        if (waiting) readers.delete(waiting);
      }
    };
    return {
      [Symbol.asyncIterator]: () => ({ next: take }),
      pending: async () => ready.length + inFlight,
      async close() {
        ended = true;
        waiting?.();
      },
    };
  };

  return {
    subject: options.subject,
    full: () => ready.length >= limit,
    push: (message) =>
      new Promise((settle) => {
        ready.push({ message, attempt: 0, settle });
        wake();
      }),
    read,
    close() {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      wake();
    },
  };
}
