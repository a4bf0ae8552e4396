import { serverSpan } from "../server-span.js";
import { isTraced } from "../spans.js";
import type { Layer } from "./chain.js";
import { onSettled } from "./settle.js";

/** One span for each call, which ends when a stream ends. */
export const traceCall: Layer = (contract) => (next) => (request) =>
  isTraced(request.header)
    ? serverSpan(contract, request, async (span) =>
        onSettled(await next(request), request, (error) => span.end(error)),
      )
    : next(request);
