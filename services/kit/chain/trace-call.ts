import { type Context, context } from "@opentelemetry/api";
import { callKey, openCallOf, sampledOutKey } from "../context.js";
import { serverSpans } from "../server-span.js";
import { mayRecord } from "../spans.js";
import type { Layer } from "./chain.js";
import type { Request, Response } from "./next.js";
import { onSettled } from "./settle.js";

/**
 * One span for each call, which ends when a stream ends. A call that is sampled
 * out tells what it calls, and is not followed otherwise.
 */
export const traceCall: Layer = ({ method }) => {
  const spanOf = serverSpans(method);
  return (next) => (request) => {
    if (!mayRecord(() => request.header.get("traceparent")) || isSampledOut(request)) return next(request);
    const span = spanOf(request);
    if (!span.recorded) {
      sampleOut(request, span.traceParent);
      return next(request);
    }
    return context.with(span.context, async () => {
      try {
        return onSettled(within(span.context, await next(request)), request, span.end);
      } catch (error) {
        span.end(error);
        throw error;
      }
    });
  };
};

/** Whether a call in memory is part of one that is sampled out. */
function isSampledOut({ contextValues }: Request): boolean {
  return contextValues.get(callKey)?.sampledOut !== undefined;
}

function sampleOut({ contextValues }: Request, traceParent: string): void {
  if (contextValues.get(callKey)) openCallOf({ values: contextValues }).sampledOut = traceParent;
  else contextValues.set(sampledOutKey, traceParent);
}

/** The response whose messages are made within the context, whoever reads them. */
function within(bound: Context, response: Response): Response {
  if (!response.stream) return response;
  const { message } = response;
  const messages = () => {
    const inner = message[Symbol.asyncIterator]();
    return {
      next: () => context.with(bound, () => inner.next()),
      async return(value?: unknown) {
        await context.with(bound, async () => inner.return?.(value));
        return { done: true as const, value };
      },
    };
  };
  return { ...response, message: { [Symbol.asyncIterator]: messages } };
}
