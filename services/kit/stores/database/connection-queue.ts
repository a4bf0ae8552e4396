import { errors } from "../../errors.js";

interface Waiter {
  readonly grant: () => void;
  readonly refuse: (error: Error) => void;
}

/** Gives connections to holders, each to one at a time, in the order of asking. */
export interface ConnectionQueue {
  /**
   * Resolves when it is the caller's turn, who then has to `leave`. Rejects with
   * OVERLOADED when `limit` others wait already, and with DEPENDENCY_UNAVAILABLE
   * after `waitMs` of waiting, when `signal` aborts, or once closed.
   */
  enter(signal?: AbortSignal): Promise<void>;
  leave(): void;
  /** Refuses those who wait. */
  refuseWaiting(cause?: unknown): void;
  /** Refuses those who wait and all who come; resolves when the holders have left, at the latest after `waitMs`. */
  close(): Promise<void>;
}

export interface ConnectionQueueOptions {
  /** How many connections there are; one by default. */
  readonly size?: number;
  /** How many may wait. */
  readonly limit: number;
  /** How long one may wait, in milliseconds. */
  readonly waitMs: number;
}

export function connectionQueue({ size = 1, limit, waitMs }: ConnectionQueueOptions): ConnectionQueue {
  // A set keeps the order of insertion, and lets those who give up leave from the middle.
  const waiters = new Set<Waiter>();
  let held = 0;
  let closed = false;
  const unavailable = (cause?: unknown) =>
    errors.dependencyUnavailable({ dependency: "The database" }, cause);

  const wait = (signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        waiters.delete(waiter);
      };
      const waiter: Waiter = {
        grant: () => {
          settle();
          resolve();
        },
        refuse: (error) => {
          settle();
          reject(error);
        },
      };
      const onAbort = () => waiter.refuse(unavailable(signal?.reason));
      const timer = setTimeout(() => waiter.refuse(unavailable()), waitMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      waiters.add(waiter);
    });

  const enter = async (signal?: AbortSignal) => {
    if (closed) throw unavailable();
    if (signal?.aborted) throw unavailable(signal.reason);
    if (held < size) {
      held++;
      return;
    }
    if (waiters.size >= limit) throw errors.overloaded({ workload: "The database", limit });
    await wait(signal);
  };

  let whenIdle: (() => void) | undefined;
  const leave = () => {
    const [next] = waiters;
    if (next) {
      next.grant();
    } else {
      held--;
      if (held === 0) whenIdle?.();
    }
  };

  const refuseWaiting = (cause?: unknown) => {
    for (const waiter of [...waiters]) waiter.refuse(unavailable(cause));
  };

  const close = async () => {
    closed = true;
    refuseWaiting();
    if (held === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      whenIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  };

  return { enter, leave, refuseWaiting, close };
}
