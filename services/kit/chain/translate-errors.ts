import { Code, ConnectError, type StreamResponse, type UnaryResponse } from "@connectrpc/connect";
import { errorFacts, errors } from "../errors.js";
import type { Layer } from "./chain.js";

/**
 * Lets only errors of the catalogue out. A foreign failure becomes INTERNAL,
 * with the original as its cause for the log; an abort becomes what caused it.
 */
export const translateErrors: Layer = () => (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? withTranslatedStream(response, request.signal) : response;
  } catch (error) {
    throw translate(error, request.signal);
  }
};

function withTranslatedStream(response: StreamResponse, signal: AbortSignal): UnaryResponse | StreamResponse {
  async function* messages() {
    try {
      yield* response.message;
    } catch (error) {
      throw translate(error, signal);
    }
  }
  return { ...response, message: messages() };
}

function translate(error: unknown, signal: AbortSignal): ConnectError {
  if (error instanceof ConnectError && errorFacts(error)) return error;
  const reason: unknown = signal.aborted ? signal.reason : undefined;
  if (reason instanceof ConnectError && errorFacts(reason)) return reason;
  if (signal.aborted && (isAbort(error) || error === reason)) return errors.canceled(error);
  return errors.internal(error);
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === "AbortError" || ConnectError.from(error).code === Code.Canceled)
  );
}
