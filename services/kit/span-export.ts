import type { tracing } from "@opentelemetry/sdk-node";
import { maskSecrets } from "./mask-secrets.js";

type SpanExporter = tracing.SpanExporter;
type ExportResult = Parameters<Parameters<SpanExporter["export"]>[1]>[0];

const failed = 1;

/** How long a batch may take on its way, in milliseconds. */
export const exportBoundMs = 5_000;
/** How many spans may wait; more are dropped. */
export const queueBound = 2_048;
const batchDelayMs = 1_000;
/** How many leave at once; that many waiting do so without delay. */
export const batchSize = 512;

/** What became of a span: dropped where too many waited already. */
export type SpanFate = "exported" | "failed" | "dropped";

/** Counts of spans and batches since the process began. */
export interface ExportCounts extends Readonly<Record<SpanFate, number>> {
  /** Batches that could not be delivered. */
  readonly failures: number;
  /** Spans that wait now. */
  readonly waiting: number;
  /** Why the latest batch could not be delivered; absent once one arrives. */
  readonly lastError?: string;
}

/** Told of what becomes of spans, and of each batch that could not be delivered. */
export interface ExportObserver {
  readonly onSpans?: (fate: SpanFate, count: number) => void;
  readonly onExportFailure?: () => void;
}

/** Takes spans as they end, sends them in batches with a deadline each, and counts what becomes of them. */
export class SpanQueue {
  readonly #observer: ExportObserver;
  readonly #exporter: SpanExporter;
  readonly #counts = { exported: 0, failed: 0, dropped: 0 };
  #failures = 0;
  #waiting = 0;
  #lastError: string | undefined;

  constructor(exporter: SpanExporter, observer: ExportObserver) {
    this.#exporter = exporter;
    this.#observer = observer;
  }

  get counts(): ExportCounts {
    const lastError = this.#lastError;
    return {
      ...this.#counts,
      failures: this.#failures,
      waiting: this.#waiting,
      ...(lastError !== undefined && { lastError }),
    };
  }

  /** The queue as the SDK has it, over its own batches. */
  processor(sdk: typeof tracing): tracing.SpanProcessor {
    const batches = new sdk.BatchSpanProcessor(this.#batchExporter(), {
      scheduledDelayMillis: batchDelayMs,
      maxQueueSize: queueBound,
      maxExportBatchSize: batchSize,
    });
    return {
      onStart: (span, parent) => batches.onStart(span, parent),
      onEnd: (span) => {
        // The SDK drops silently at the same bound.
        if (this.#waiting >= queueBound) this.#count("dropped", 1);
        else {
          this.#waiting += 1;
          batches.onEnd(span);
        }
      },
      forceFlush: () => batches.forceFlush(),
      shutdown: () => batches.shutdown(),
    };
  }

  /** Closes the exporter, which the SDK leaves open after a failed flush: its sockets keep the process alive. */
  close(): void {
    this.#exporter.shutdown().catch(() => {});
  }

  /** Every batch ends, once, and its end is counted: Jaeger's HTTP sender would wait for a silent collector for ever. */
  #batchExporter(): SpanExporter {
    return {
      export: (spans, done) => {
        this.#waiting -= spans.length;
        let open = true;
        const settle = (result: ExportResult) => {
          if (!open) return;
          open = false;
          clearTimeout(timer);
          this.#settle(spans.length, result);
          done(result);
        };
        const fail = (error: unknown) => settle({ code: failed, error: error as Error });
        const late = () => fail(new Error(`no answer within ${exportBoundMs} ms`));
        const timer = setTimeout(late, exportBoundMs);
        timer.unref();
        try {
          this.#exporter.export(spans, settle);
        } catch (error) {
          fail(error);
        }
      },
      shutdown: () => this.#exporter.shutdown(),
    };
  }

  #settle(spans: number, { code, error }: ExportResult): void {
    if (code !== failed) {
      this.#lastError = undefined;
      this.#count("exported", spans);
      return;
    }
    this.#failures += 1;
    this.#lastError = maskSecrets(String(error?.message ?? "the exporter gave no reason").slice(0, 500));
    this.#count("failed", spans);
    this.#observer.onExportFailure?.();
  }

  #count(fate: SpanFate, spans: number): void {
    this.#counts[fate] += spans;
    this.#observer.onSpans?.(fate, spans);
  }
}
