import type { Interceptor } from "@connectrpc/connect";

/** What stands behind a layer: the layers further in, and the handler. */
export type Next = Parameters<Interceptor>[0];

/** The answer of what stands behind a layer, which may also throw at once. */
export function answerOf(next: Next, request: Parameters<Next>[0]): ReturnType<Next> {
  try {
    return next(request);
  } catch (error) {
    return Promise.reject(error);
  }
}
