import { Code, ConnectError } from "@connectrpc/connect";
import { errorFacts, errors } from "../errors.js";
import type { Layer } from "./chain.js";
import { requestedTimeout } from "./deadline.js";
import type { Request } from "./next.js";
import { withFailure } from "./settle.js";

/**
 * Lets only errors of the catalogue out. A foreign failure becomes INTERNAL,
 * with the original as its cause for the log; an abort becomes what caused it.
 */
export const translateErrors: Layer = () => ({
  served(response, request) {
    if (!response.stream) return response;
    return { ...response, message: withFailure(response.message, (error) => translate(error, request)) };
  },
  failed(error, request) {
    throw translate(error, request);
  },
});

function translate(error: unknown, { signal, header }: Request): ConnectError {
  if (error instanceof ConnectError && errorFacts(error)) return error;
  const reason: unknown = signal.aborted ? signal.reason : undefined;
  if (reason instanceof ConnectError && errorFacts(reason)) return reason;
  if (!signal.aborted || (!isAbort(error) && error !== reason)) return errors.internal(error);
  // Connect itself keeps the time of streams, which the deadline layer leaves alone.
  return reason instanceof ConnectError && reason.code === Code.DeadlineExceeded
    ? errors.deadlineExceeded({ deadline_ms: requestedTimeout(header) }, error)
    : errors.canceled(error);
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === "AbortError" || ConnectError.from(error).code === Code.Canceled)
  );
}
