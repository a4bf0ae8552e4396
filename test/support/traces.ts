import { type Span, SpanStatusCode } from "@opentelemetry/api";
import { platformTracer } from "../../services/kit/spans.js";
import { startTelemetry, type Telemetry, type TelemetryOptions } from "../../services/kit/telemetry.js";
import type { ReceivedSpan } from "./collector.js";

/** Starts tracing of everything, over OTLP, unless told otherwise. */
export function startTracing(options: Partial<TelemetryOptions>): Promise<Telemetry> {
  return startTelemetry({
    exporter: "otlp",
    serviceName: "engine",
    version: "1.2.3",
    sampler: "parentbased_traceidratio",
    sampleRatio: 1,
    shutdownMs: 2_000,
    ...options,
  });
}

/** Runs `fn` in the first span of a trace, unless there is one already. */
export function inTrace<T>(name: string, fn: (span: Span) => Promise<T> | T): Promise<T> {
  return platformTracer().startActiveSpan(name, async (span) => {
    try {
      return await fn(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

const kinds = ["", "internal", "server", "client", "producer", "consumer"];

/** Process, kind and name of each span below `parent`, indented by how deep it is; siblings in the order of their names. */
export function treeOf(spans: readonly ReceivedSpan[], parent: string, depth = 0): string[] {
  return spans
    .filter((span) => span.parentSpanId === parent)
    .sort((one, other) => one.name.localeCompare(other.name))
    .flatMap((span) => [
      `${"  ".repeat(depth)}${span.service}: ${kinds[span.kind]} ${span.name}`,
      ...treeOf(spans, span.spanId, depth + 1),
    ]);
}
