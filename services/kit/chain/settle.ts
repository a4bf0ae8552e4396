import type { StreamResponse, UnaryResponse } from "@connectrpc/connect";

/**
 * Calls `settled` exactly once when a response is over: at once for a unary
 * one; for a stream after its last message, with its error, or when the
 * consumer stops reading. An interceptor that only awaits `next` takes a
 * stream that fails later for a success.
 */
export function onSettled<R extends UnaryResponse | StreamResponse>(
  response: R,
  settled: (error?: unknown) => void,
): R {
  if (!response.stream) {
    settled();
    return response;
  }
  return { ...response, message: watched(response.message, settled) };
}

/** The messages, with what `failed` makes of the error that ends them. */
export function withFailure<T>(
  messages: AsyncIterable<T>,
  failed: (error: unknown) => unknown,
): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => iterate(messages, { failed, settled: () => undefined }) };
}

function watched<T>(messages: AsyncIterable<T>, settled: (error?: unknown) => void): AsyncIterable<T> {
  let over = false;
  const once = (error?: unknown) => {
    if (!over) settled(error);
    over = true;
  };
  return { [Symbol.asyncIterator]: () => iterate(messages, { failed: (error) => error, settled: once }) };
}

interface Watcher {
  failed(error: unknown): unknown;
  settled(error?: unknown): void;
}

// No generator: one that was never read, or that waits for a message, does not hear of return().
function iterate<T>(messages: AsyncIterable<T>, { failed, settled }: Watcher): AsyncIterator<T> {
  const inner = messages[Symbol.asyncIterator]();
  return {
    async next() {
      try {
        const result = await inner.next();
        if (result.done) settled();
        return result;
      } catch (error) {
        settled(error);
        throw failed(error);
      }
    },
    async return(value) {
      settled();
      await inner.return?.(value);
      return { done: true, value };
    },
  };
}
