import type { Interceptor } from "@connectrpc/connect";

/** What stands behind a layer: the layers further in, and the handler. */
export type Next = Parameters<Interceptor>[0];

/** A call on its way in. */
export type Request = Parameters<Next>[0];

/** Its answer on the way out. */
export type Response = Awaited<ReturnType<Next>>;

/** The answer of what stands behind a layer, which may also throw at once. */
export function answerOf(next: Next, request: Request): ReturnType<Next> {
  try {
    return next(request);
  } catch (error) {
    return Promise.reject(error);
  }
}
