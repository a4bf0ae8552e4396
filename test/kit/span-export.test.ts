import { tracing } from "@opentelemetry/sdk-node";
import { describe, expect, it } from "vitest";
import { batchSize, queueBound, SpanQueue } from "../../services/kit/span-export.js";

type Done = Parameters<tracing.SpanExporter["export"]>[1];

/** A queue before an exporter that answers when it is told to, and a tracer of its own that fills it. */
function started() {
  const fates: Record<string, number> = {};
  const batches: { readonly spans: number; readonly done: Done }[] = [];
  const exporter: tracing.SpanExporter = {
    export: (spans, done) => void batches.push({ spans: spans.length, done }),
    shutdown: async () => {},
  };
  const queue = new SpanQueue(exporter, {
    onSpans(fate, count) {
      fates[fate] = (fates[fate] ?? 0) + count;
    },
  });
  const provider = new tracing.BasicTracerProvider({ spanProcessors: [queue.processor(tracing)] });
  const tracer = provider.getTracer("test");
  return {
    queue,
    fates,
    batches,
    endSpans(count: number) {
      for (let ended = 0; ended < count; ended += 1) tracer.startSpan("work").end();
    },
    shutdown: () => provider.shutdown(),
  };
}

describe("a queue of spans", () => {
  it("keeps a bounded number while a batch is on its way, and counts each that it drops or delivers", async () => {
    const { queue, fates, batches, endSpans, shutdown } = started();
    endSpans(batchSize);
    await expect.poll(() => batches.length).toBe(1);
    endSpans(queueBound + 7);
    expect(fates).toEqual({ dropped: 7 });
    expect(queue.counts).toMatchObject({ exported: 0, dropped: 7, waiting: queueBound });

    const over = shutdown();
    for (let answered = 0; answered < 1 + queueBound / batchSize; answered += 1) {
      await expect.poll(() => batches.length).toBeGreaterThan(answered);
      expect(batches[answered]?.spans).toBe(batchSize);
      batches[answered]?.done({ code: 0 });
    }
    await over;
    expect(fates).toEqual({ dropped: 7, exported: batchSize + queueBound });
    expect(queue.counts).toMatchObject({ ...fates, failed: 0, failures: 0, waiting: 0 });
  });

  it("counts a batch that is refused, says why, and forgets that once one arrives", async () => {
    const { queue, fates, batches, endSpans, shutdown } = started();
    endSpans(batchSize);
    await expect.poll(() => batches.length).toBe(1);
    batches[0]?.done({ code: 1, error: new Error("refused with token=abcdef0123456789abcdef") });
    expect(queue.counts).toMatchObject({ failed: batchSize, failures: 1 });
    expect(queue.counts.lastError).toMatch(/^refused with token=/);
    expect(queue.counts.lastError).not.toContain("abcdef0123456789");
    endSpans(batchSize);
    await expect.poll(() => batches.length).toBe(2);
    batches[1]?.done({ code: 0 });
    expect(queue.counts).toMatchObject({ exported: batchSize, waiting: 0 });
    expect(queue.counts.lastError).toBeUndefined();
    expect(fates).toEqual({ failed: batchSize, exported: batchSize });
    await shutdown();
  });
});
