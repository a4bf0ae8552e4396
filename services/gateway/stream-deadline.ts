import type { StreamResponse } from "@connectrpc/connect";
import { errors } from "../kit/errors.js";

const longestTimer = 2 ** 31 - 1;

/** How long a stream may take, and what else ends it. */
export interface StreamBounds {
  readonly signal: AbortSignal;
  /** Milliseconds; the contract bounds no stream. */
  readonly timeoutMs: number | undefined;
}

/**
 * Runs a stream until its client stops waiting: then it fails with
 * DEADLINE_EXCEEDED, also when the handler ignores the signal that it was given.
 */
export async function withinDeadline(
  { signal: outer, timeoutMs }: StreamBounds,
  start: (signal: AbortSignal) => Promise<StreamResponse>,
): Promise<StreamResponse> {
  if (timeoutMs === undefined) return start(outer);
  const controller = new AbortController();
  const { signal } = controller;
  const leave = () => controller.abort(outer.reason);
  const expire = () => controller.abort(errors.deadlineExceeded({ deadline_ms: Math.round(timeoutMs) }));
  const timer = setTimeout(expire, Math.min(timeoutMs, longestTimer));
  const release = () => {
    clearTimeout(timer);
    outer.removeEventListener("abort", leave);
  };
  if (outer.aborted) leave();
  else outer.addEventListener("abort", leave);
  try {
    const response = await orAborted(signal, start(signal));
    return { ...response, message: bounded(response.message, signal, release) };
  } catch (error) {
    release();
    throw error;
  }
}

function bounded<T>(messages: AsyncIterable<T>, signal: AbortSignal, release: () => void): AsyncIterable<T> {
  const iterate = (): AsyncIterator<T> => {
    const inner = messages[Symbol.asyncIterator]();
    return {
      async next() {
        try {
          const result = await orAborted(signal, inner.next());
          if (result.done) release();
          return result;
        } catch (error) {
          release();
          throw error;
        }
      },
      async return(value) {
        release();
        await inner.return?.(value);
        return { done: true, value };
      },
    };
  };
  return { [Symbol.asyncIterator]: iterate };
}

function orAborted<T>(signal: AbortSignal, result: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    result.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
