import type { DescMethod } from "@bufbuild/protobuf";
import { context, SpanKind } from "@opentelemetry/api";
import { endRpcSpan, rpcName } from "./rpc-span.js";
import { begin, recordedSpan } from "./spans.js";

/** The span of a call to another process. */
export interface ClientSpan {
  /** Runs what makes the call: the peer's span will be below this one. */
  run<T>(fn: () => T): T;
  /** Ends the span with what went wrong, if anything; only the first call counts. */
  end(error?: unknown): void;
}

/**
 * Begins the span of a call to `peer` and all its attempts; undefined where the
 * caller's own span is not recorded. Its `server.address` is the peer's name,
 * which stands for all replicas.
 */
export function beginClientSpan(method: DescMethod, peer: string): ClientSpan | undefined {
  if (!recordedSpan()) return undefined;
  const name = rpcName(method);
  const attributes = { "rpc.system.name": "grpc", "rpc.method": name, "server.address": peer };
  const begun = begin(name, { kind: SpanKind.CLIENT, attributes }, context.active());
  if (!begun.recorded) return undefined;
  return {
    run: (fn) => context.with(begun.context, fn),
    end: (error) => endRpcSpan(begun.span, "grpc", { error, isFault: () => true }),
  };
}
