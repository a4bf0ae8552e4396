import { context, propagation, type Tracer, trace } from "@opentelemetry/api";
import type { NodeSDK, tracing } from "@opentelemetry/sdk-node";
import { maskSecrets } from "./mask-secrets.js";
import { beginTraces, platformTracer } from "./spans.js";

export { type ServerSpan, serverSpan } from "./server-span.js";
export { extractContext, injectContext, inSpan, platformTracer, traceParent } from "./spans.js";

type SpanExporter = tracing.SpanExporter;
type ExportResult = Parameters<Parameters<SpanExporter["export"]>[1]>[0];

const exportBoundMs = 5_000;
const batchDelayMs = 1_000;
const failed = 1;

/** Where spans go. */
export const exporterNames = ["none", "otlp", "jaeger"] as const;

/** What telemetry is made of. */
export interface TelemetryOptions {
  readonly exporter: (typeof exporterNames)[number];
  /**
   * `otlp`: URL of the collector, `http://localhost:4318` by default. `jaeger`:
   * `udp://host:6832` for an agent, which is the default on localhost, or an
   * HTTP URL for a collector. A URL without a path gets the protocol's own.
   */
  readonly endpoint?: string | undefined;
  readonly serviceName: string;
  readonly version: string;
  /** Share of traces that are recorded when the caller has not decided, 0 to 1. */
  readonly sampleRatio: number;
  /** How long `shutdown` waits for the last spans, in milliseconds; 3000 by default. */
  readonly shutdownMs?: number;
  /** Told of each batch that could not be delivered. */
  readonly onExportFailure?: () => void;
}

/** Tracing of a process. */
export interface Telemetry {
  readonly tracer: Tracer;
  /** Sends what is left, within its bound; never fails. */
  shutdown(): Promise<void>;
  state(): TelemetryState;
}

/** How export goes. */
export interface TelemetryState {
  /** Whether spans are recorded and sent. */
  readonly exporting: boolean;
  /** Batches that could not be delivered so far. */
  readonly failures: number;
  /** Why the latest batch could not be delivered; absent once one arrives. */
  readonly lastError?: string;
}

/**
 * Starts tracing for the process. A collector that is away costs spans and
 * nothing else: batches have a deadline, the queue is bounded at 2048 spans,
 * and failures show in `state` alone.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const outcome = new Outcome(options.onExportFailure);
  if (options.exporter === "none") {
    return { tracer: platformTracer(), shutdown: async () => {}, state: () => outcome.state(false) };
  }
  const exporter = observed(await makeExporter(options), outcome);
  const sdk = await startSdk(options, exporter);
  let exporting = true;
  return {
    tracer: platformTracer(),
    state: () => outcome.state(exporting),
    shutdown: async () => {
      if (!exporting) return;
      exporting = false;
      await within(options.shutdownMs ?? 3_000, sdk.shutdown());
      // After a failed flush the SDK leaves the exporter open, whose sockets keep the process alive.
      exporter.shutdown().catch(() => {});
      for (const api of [trace, context, propagation]) api.disable();
      beginTraces(true);
    },
  };
}

/** What became of the batches. */
class Outcome {
  #failures = 0;
  #lastError: string | undefined;

  constructor(private readonly onFailure: (() => void) | undefined) {}

  record(result: ExportResult): void {
    if (result.code !== failed) {
      this.#lastError = undefined;
      return;
    }
    this.#failures++;
    this.#lastError = maskSecrets(
      String(result.error?.message ?? "the exporter gave no reason").slice(0, 500),
    );
    this.onFailure?.();
  }

  state(exporting: boolean): TelemetryState {
    return { exporting, failures: this.#failures, ...(this.#lastError && { lastError: this.#lastError }) };
  }
}

async function startSdk(options: TelemetryOptions, exporter: SpanExporter): Promise<NodeSDK> {
  // Loading the SDK takes 200 to 370 ms and 35 MB on two cores, so only those who export pay.
  const { NodeSDK, resources, tracing, core } = await import("@opentelemetry/sdk-node");
  const sdk = new NodeSDK({
    autoDetectResources: false,
    resource: resources.resourceFromAttributes({
      "service.name": options.serviceName,
      "service.version": options.version,
    }),
    sampler: new tracing.ParentBasedSampler({
      root: new tracing.TraceIdRatioBasedSampler(options.sampleRatio),
    }),
    textMapPropagator: new core.W3CTraceContextPropagator(),
    spanProcessors: [new tracing.BatchSpanProcessor(exporter, { scheduledDelayMillis: batchDelayMs })],
    // Unless told otherwise the SDK also exports logs and metrics, which pino and prom-client do here.
    logRecordProcessors: [],
    metricReaders: [],
    instrumentations: [],
  });
  sdk.start();
  beginTraces(options.sampleRatio > 0);
  return sdk;
}

async function makeExporter({ exporter, endpoint }: TelemetryOptions): Promise<SpanExporter> {
  if (exporter === "otlp") {
    const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
    const url = withPath(endpoint ?? "http://localhost:4318", "/v1/traces");
    return new OTLPTraceExporter({ url: url.href, timeoutMillis: exportBoundMs });
  }
  const { JaegerExporter } = await import("@opentelemetry/exporter-jaeger");
  const url = withPath(endpoint ?? "udp://localhost:6832", "/api/traces");
  const target =
    url.protocol === "udp:" ? { host: url.hostname, port: Number(url.port || 6832) } : { endpoint: url.href };
  return new JaegerExporter({ ...target, flushTimeout: 500 });
}

/** Every batch ends, once, and its end is recorded: Jaeger's HTTP sender would wait for a silent collector for ever. */
function observed(exporter: SpanExporter, outcome: Outcome): SpanExporter {
  return {
    export: (spans, done) => {
      let open = true;
      const settle = (result: ExportResult) => {
        if (!open) return;
        open = false;
        clearTimeout(timer);
        outcome.record(result);
        done(result);
      };
      const fail = (error: unknown) => settle({ code: failed, error: error as Error });
      const timer = setTimeout(() => fail(new Error(`no answer within ${exportBoundMs} ms`)), exportBoundMs);
      timer.unref();
      try {
        exporter.export(spans, settle);
      } catch (error) {
        fail(error);
      }
    },
    shutdown: () => exporter.shutdown(),
  };
}

function withPath(endpoint: string, path: string): URL {
  const url = new URL(endpoint);
  if (url.pathname === "/") url.pathname = path;
  return url;
}

/** Waits for the promise, whichever way it ends, but not longer. */
async function within(boundMs: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, boundMs);
  });
  await Promise.race([promise.catch(() => {}), bound]);
  clearTimeout(timer);
}
