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

async function* watched<T>(
  messages: AsyncIterable<T>,
  settled: (error?: unknown) => void,
): AsyncGenerator<T> {
  let failure: unknown;
  try {
    yield* messages;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    // Also reached when the consumer calls return().
    settled(failure);
  }
}
