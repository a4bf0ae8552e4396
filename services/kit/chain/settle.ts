import { Code, ConnectError, type StreamResponse, type UnaryResponse } from "@connectrpc/connect";
import { errors } from "../errors.js";

/**
 * Calls `settled` exactly once when a response is over: at once for a unary
 * one; for a stream after its last message, with its error, when the consumer
 * stops reading, or when the request's signal aborts, since Connect forgets the messages of
 * a client that goes away. An interceptor that only awaits `next` takes a
 * stream that fails later for a success.
 */
export function onSettled<R extends UnaryResponse | StreamResponse>(
  response: R,
  request: { readonly signal: AbortSignal },
  settled: (error?: unknown) => void,
): R {
  if (!response.stream) {
    settled();
    return response;
  }
  const once = onceOrAborted(request.signal, settled);
  const message = response.message;
  const watched = () => iterate(message, { failed: (error) => error, settled: once });
  return { ...response, message: { [Symbol.asyncIterator]: watched } };
}

/** The messages, with what `failed` makes of the error that ends them. */
export function withFailure<T>(
  messages: AsyncIterable<T>,
  failed: (error: unknown) => unknown,
): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => iterate(messages, { failed, settled: () => undefined }) };
}

function onceOrAborted(signal: AbortSignal, settled: (error?: unknown) => void) {
  let over = false;
  const once = (error?: unknown) => {
    if (over) return;
    over = true;
    signal.removeEventListener("abort", abort);
    settled(error);
  };
  const abort = () => once(ofAbort(signal.reason));
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort);
  return once;
}

function ofAbort(reason: unknown): ConnectError {
  const expired = reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;
  return expired ? reason : errors.canceled(reason);
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
