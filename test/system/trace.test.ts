import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ReceivedSpan, startCollector } from "../support/collector.js";
import { startPlatform, type TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";

describe("a traced request", () => {
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let platform: TestPlatform;

  beforeAll(async () => {
    collector = await startCollector();
    platform = await startPlatform({
      environment: { TRACE_EXPORTER: "otlp", TRACE_ENDPOINT: collector.url },
    });
  }, 60_000);
  afterAll(async () => {
    await platform?.stop();
    collector?.close();
  });

  it("is one trace from the client over gateway and engine to the store, with its log lines", async () => {
    const rest = restClient(platform.url, await platform.signIn());
    // The first token to be verified fetches the keys, which is a call of its own.
    await rest("GET", "/api/v1/auth/profile");
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const clientSpan = "00f067aa0ba902b7";
    const headers = { traceparent: `00-${traceId}-${clientSpan}-01`, "x-request-id": "traced" };
    const answer = await rest(
      "POST",
      "/api/v1/consciousness/process",
      { input: "What is a verdict?" },
      headers,
    );
    expect(answer.status).toBe(200);

    const spans = () => collector.spans().filter((span) => span.traceId === traceId);
    await expect.poll(() => spans().length, { timeout: 15_000 }).toBe(3);
    expect(lineage(spans(), clientSpan)).toEqual([
      "consciousness.engine.v1.EngineService/Process",
      "consciousness.engine.v1.EngineService/Process",
      "database transaction",
    ]);
    const lines = platform.lines.filter((line) => line.correlation_id === "traced");
    expect(lines.map((line) => (line.metadata as { trace_id: string }).trace_id)).toEqual([traceId, traceId]);
    expect(lines.map((line) => line.service).sort()).toEqual(["engine", "gateway"]);
  }, 30_000);
});

/** Names of the spans, each the child of the one before it. */
function lineage(spans: readonly ReceivedSpan[], parent: string): string[] {
  const child = spans.find((span) => span.parentSpanId === parent);
  return child ? [child.name, ...lineage(spans, child.spanId)] : [];
}
