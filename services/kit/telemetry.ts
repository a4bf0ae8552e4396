import { context, propagation, trace } from "@opentelemetry/api";
import type { NodeSDK, tracing } from "@opentelemetry/sdk-node";
import { recordingOf, type Sampling, samplerOf } from "./sampling.js";
import {
  type ExportCounts,
  type ExportObserver,
  exportBoundMs,
  queueBound,
  SpanQueue,
} from "./span-export.js";
import { record } from "./spans.js";
import type { Dependency } from "./workload.js";

/** Where spans go. */
export const exporterNames = ["none", "otlp", "jaeger"] as const;

/** What telemetry is made of. */
export interface TelemetryOptions extends Sampling, ExportObserver {
  readonly exporter: (typeof exporterNames)[number];
  /**
   * `otlp`: URL of the collector, `http://localhost:4318` by default. `jaeger`:
   * `udp://host:6832` for an agent, which is the default on localhost, or an
   * HTTP URL for a collector. A URL without a path gets the protocol's own.
   */
  readonly endpoint?: string | undefined;
  readonly serviceName: string;
  readonly version: string;
  /** How long `shutdown` waits for the last spans, in milliseconds; 3000 by default. */
  readonly shutdownMs?: number;
}

/** Tracing of a process. */
export interface Telemetry {
  /** Sends what is left, within its bound; never fails. */
  shutdown(): Promise<void>;
  /** How export goes; undefined where nothing is recorded. */
  state(): TelemetryState | undefined;
  /** Fails while spans do not arrive, or more end than leave; undefined where nothing is recorded. */
  readonly dependency: Dependency | undefined;
}

/** How export goes. */
export interface TelemetryState extends ExportCounts {
  /** Whether spans are recorded and sent. */
  readonly exporting: boolean;
}

const nothing: Telemetry = { shutdown: async () => {}, state: () => undefined, dependency: undefined };

/**
 * Starts tracing for the process. A collector that is away costs spans and
 * nothing else: batches have a deadline, the queue is bounded, and failures
 * show in `state`, in the dependency, which degrades, and to the observer alone.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const recording = recordingOf(options);
  if (options.exporter === "none" || recording === "none") return nothing;
  const queue = new SpanQueue(await makeExporter(options), options);
  const sdk = await startSdk(options, queue);
  record(recording);
  let exporting = true;
  return {
    state: () => ({ exporting, ...queue.counts }),
    dependency: {
      name: "traces",
      degrades: true,
      check: async () => {
        const { lastError, waiting } = queue.counts;
        if (lastError !== undefined) throw new Error(lastError);
        if (waiting >= queueBound) throw new Error("spans are dropped, as too many wait");
      },
    },
    shutdown: async () => {
      if (!exporting) return;
      exporting = false;
      await within(options.shutdownMs ?? 3_000, sdk.shutdown());
      queue.close();
      for (const api of [trace, context, propagation]) api.disable();
      record("none");
    },
  };
}

async function startSdk(options: TelemetryOptions, queue: SpanQueue): Promise<NodeSDK> {
  // Loading the SDK takes 200 to 370 ms and 35 MB on two cores, so only those who export pay.
  const { NodeSDK, resources, tracing, core } = await import("@opentelemetry/sdk-node");
  const sdk = new NodeSDK({
    autoDetectResources: false,
    resource: resources.resourceFromAttributes({
      "service.name": options.serviceName,
      "service.version": options.version,
    }),
    sampler: samplerOf(options, tracing),
    textMapPropagator: new core.W3CTraceContextPropagator(),
    spanProcessors: [queue.processor(tracing)],
    // Unless told otherwise the SDK also exports logs and metrics, which pino and prom-client do here.
    logRecordProcessors: [],
    metricReaders: [],
    instrumentations: [],
  });
  sdk.start();
  return sdk;
}

async function makeExporter({ exporter, endpoint }: TelemetryOptions): Promise<tracing.SpanExporter> {
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
