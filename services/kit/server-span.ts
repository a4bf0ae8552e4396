import type { DescMethod } from "@bufbuild/protobuf";
import { type Context, context, SpanKind } from "@opentelemetry/api";
import { endRpcSpan, isServerFault, rpcName } from "./rpc-span.js";
import { begin, extractContext, recordedSpan } from "./spans.js";

/** The span of a served call, or the `traceparent` by which peers learn that nobody records it. */
export type ServerSpan =
  | {
      readonly recorded: true;
      readonly context: Context;
      /** Ends the span with what went wrong, if anything; only the first call counts. */
      end(error?: unknown): void;
    }
  | { readonly recorded: false; readonly traceParent: string };

/**
 * Plans the spans of a method's served calls: each below the active span for a
 * call in memory and below the caller's `traceparent` for one from the wire.
 * Whoever serves ends it, since a stream outlives its handler. Names follow
 * OpenTelemetry's conventions for RPC (semantic conventions 1.45).
 */
export function serverSpans(method: DescMethod): (request: { readonly header: Headers }) => ServerSpan {
  const name = rpcName(method);
  return ({ header }) => {
    const parent = recordedSpan() ? context.active() : extractContext(header);
    // Attributes are added to spans that somebody will read: most are sampled out.
    const begun = begin(name, { kind: SpanKind.SERVER }, parent);
    if (!begun.recorded) return begun;
    const { span } = begun;
    const system = isGrpc(header) ? "grpc" : "connectrpc";
    span.setAttributes({ "rpc.system.name": system, "rpc.method": name });
    return {
      recorded: true,
      context: begun.context,
      end: (error) => endRpcSpan(span, system, { error, isFault: isServerFault }),
    };
  };
}

function isGrpc(header: Headers): boolean {
  return header.get("content-type")?.startsWith("application/grpc") ?? false;
}
