import { Code, ConnectError } from "@connectrpc/connect";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { callKey } from "../context.js";
import { extractContext } from "../telemetry.js";
import type { Layer } from "./chain.js";
import { onSettled } from "./settle.js";

const tracer = trace.getTracer("consciousness-engine");

/** One span for each call, named and described by OpenTelemetry's conventions for RPC; ends when a stream ends. */
export const traceCall: Layer = ({ name, method }) => {
  const attributes = {
    "rpc.system": "connect_rpc",
    "rpc.service": method.parent.typeName,
    "rpc.method": method.name,
  };
  return (next) => (request) => {
    const inMemory = request.contextValues.get(callKey) !== undefined;
    const parent = inMemory ? context.active() : extractContext(request.header);
    const options = { kind: inMemory ? SpanKind.INTERNAL : SpanKind.SERVER, attributes };
    return tracer.startActiveSpan(name, options, parent, async (span) => {
      const settle = (error?: unknown) => {
        if (error !== undefined) {
          const code = Code[ConnectError.from(error).code];
          span.setAttribute("rpc.response.status_code", code).setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      };
      try {
        return onSettled(await next(request), settle);
      } catch (error) {
        settle(error);
        throw error;
      }
    });
  };
};
