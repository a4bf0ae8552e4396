import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { context, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { codeName } from "./errors.js";
import { extractContext, platformTracer } from "./spans.js";

/** Codes that tell of a fault of ours; others are answers to what the caller did. */
const faults = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
]);

/** The span of a served call. */
export interface ServerSpan {
  /** Ends the span with what went wrong, if anything; only the first call counts. */
  end(error?: unknown): void;
}

/**
 * Runs `fn` in the span of a served call, below the active span for a call in
 * memory and below the caller's `traceparent` for one from the wire. Whoever
 * serves ends it, since a stream outlives `fn`; it ends by itself when `fn`
 * fails. Names follow OpenTelemetry's conventions for RPC.
 */
export function serverSpan<T>(
  contract: { readonly method: DescMethod },
  request: { readonly header: Headers },
  fn: (span: ServerSpan) => Promise<T>,
): Promise<T> {
  const { method } = contract;
  const system = isGrpc(request.header) ? "grpc" : "connect_rpc";
  const attributes = {
    "rpc.system": system,
    "rpc.service": method.parent.typeName,
    "rpc.method": method.name,
  };
  const parent = trace.getActiveSpan() ? context.active() : extractContext(request.header);
  const name = `${method.parent.typeName}/${method.name}`;
  return platformTracer().startActiveSpan(
    name,
    { kind: SpanKind.SERVER, attributes },
    parent,
    async (span) => {
      const served = { end: (error?: unknown) => endSpan(span, system, error) };
      try {
        return await fn(served);
      } catch (error) {
        served.end(error);
        throw error;
      }
    },
  );
}

function endSpan(span: Span, system: "grpc" | "connect_rpc", error: unknown): void {
  if (!span.isRecording()) return;
  const code = error === undefined ? undefined : ConnectError.from(error).code;
  if (system === "grpc") span.setAttribute("rpc.grpc.status_code", code ?? 0);
  if (code !== undefined) {
    if (system === "connect_rpc") span.setAttribute("rpc.connect_rpc.error_code", codeName(code));
    if (faults.has(code)) {
      span.setAttribute("error.type", codeName(code));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
  }
  span.end();
}

function isGrpc(header: Headers): boolean {
  return header.get("content-type")?.startsWith("application/grpc") ?? false;
}
