/** Bounds of a work queue. */
export interface WorkQueueOptions {
  /** How many pieces of work run at once. */
  readonly concurrency: number;
  /** How many more may wait; 0 for none. */
  readonly waiting: number;
  /** The error for one that may not even wait. */
  readonly refuse: () => Error;
}

/** Runs work when its turn comes; rejects with the signal's reason when that aborts while it waits. */
export type WorkQueue = <R>(work: () => Promise<R>, signal: AbortSignal) => Promise<R>;

/** A first-come, first-served queue that is bounded both in what runs and in what waits. */
export function createWorkQueue({ concurrency, waiting, refuse }: WorkQueueOptions): WorkQueue {
  let running = 0;
  const queue = new Set<() => void>();

  const wait = (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const start = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        queue.delete(start);
        reject(signal.reason);
      };
      queue.add(start);
      signal.addEventListener("abort", leave, { once: true });
    });

  const enter = async (signal: AbortSignal) => {
    signal.throwIfAborted();
    if (running >= concurrency) {
      if (queue.size >= waiting) throw refuse();
      // Whoever leaves hands its place over, so `running` stays as it is.
      return wait(signal);
    }
    running += 1;
  };

  const exit = () => {
    const [next] = queue;
    if (!next) running -= 1;
    else {
      queue.delete(next);
      next();
    }
  };

  return async (work, signal) => {
    await enter(signal);
    try {
      return await work();
    } finally {
      exit();
    }
  };
}
