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

/**
 * A signal that aborts after the time, and with `parent`. Call `release` once it
 * is of no use any more: `AbortSignal.any` would stay with a parent that lives on.
 */
export function boundedSignal(
  ms: number,
  parent: AbortSignal,
): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort(parent.reason);
  const timer = setTimeout(() => controller.abort(new Error(`not done within ${ms} ms`)), ms);
  if (parent.aborted) abort();
  parent.addEventListener("abort", abort);
  const release = () => {
    clearTimeout(timer);
    parent.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, release };
}
