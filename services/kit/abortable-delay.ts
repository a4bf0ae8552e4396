/** Resolves after the time, or as soon as the signal aborts. */
export function abortableDelay(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

/** A signal that ends some work, in time and with what it is part of. */
export interface BoundedSignal {
  readonly signal: AbortSignal;
  /** Ends the work. */
  readonly abort: (reason?: unknown) => void;
  /** Lets go of the parent and of the timer. */
  readonly release: () => void;
}

/**
 * A signal that aborts after the time, for `expired`, and with `parent`. Call
 * `release` once it is of no use any more. `AbortSignal.any` would keep every
 * listener for good, and lose an `AbortSignal.timeout` that nobody else holds to
 * the garbage collector, so that it never fires.
 */
export function boundedSignal(
  ms: number,
  parent: AbortSignal,
  expired: () => unknown = () => new DOMException(`not done within ${ms} ms`, "TimeoutError"),
): BoundedSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(parent.reason);
  const timer = setTimeout(() => controller.abort(expired()), ms);
  if (parent.aborted) abort();
  parent.addEventListener("abort", abort);
  const release = () => {
    clearTimeout(timer);
    parent.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, abort: (reason) => controller.abort(reason), release };
}
