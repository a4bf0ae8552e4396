import type { Request } from "./listen.js";

/** How fast a body must arrive while somebody waits for it. */
export interface Pace {
  /** Milliseconds. */
  readonly windowMs: number;
  /** Bytes that each window must bring, unless the body ends in it. */
  readonly leastBytes: number;
}

/**
 * Watches a body and calls `onStall` once when a whole window brought too little
 * of it. A large upload over a slow line may take as long as it needs; one that
 * only keeps its place does not. What is here and unread holds nobody up, so it
 * does not count as waiting. Returns how to stop; ends by itself with the body.
 */
export function keepPace(request: Request, { windowMs, leastBytes }: Pace, onStall: () => void): () => void {
  if (!hasBody(request)) return () => undefined;
  let arrived = 0;
  const { push } = request;
  // Both protocols hand a body over by this method, and no event tells of it without starting the flow.
  request.push = (chunk: Uint8Array | null, ...rest) => {
    arrived += chunk?.length ?? 0;
    return Reflect.apply(push, request, [chunk, ...rest]);
  };
  const timer = setInterval(() => {
    const waiting = request.readableLength === 0;
    const stalled = waiting && arrived < leastBytes;
    arrived = 0;
    if (request.complete || request.destroyed) return stop();
    if (!stalled) return;
    stop();
    onStall();
  }, windowMs);
  const stop = () => clearInterval(timer);
  request.once("end", stop).once("close", stop);
  return stop;
}

function hasBody(request: Request): boolean {
  if ("stream" in request) return !request.stream.endAfterHeaders;
  const { "content-length": length = "0", "transfer-encoding": coding } = request.headers;
  return coding !== undefined || length !== "0";
}
