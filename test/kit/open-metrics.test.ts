import { trace } from "@opentelemetry/api";
import { afterEach, describe, expect, it } from "vitest";
import { createMetrics } from "../../services/kit/metrics.js";
import type { Telemetry } from "../../services/kit/telemetry.js";
import { inTrace, startTracing } from "../support/traces.js";

const labels = { service: "EngineService", method: "Process" };
const made = () => createMetrics({ version: "1.2.3", workloads: ["engine"] });
let telemetry: Telemetry | undefined;

afterEach(async () => {
  await telemetry?.shutdown();
  telemetry = undefined;
});

/** Observes within a trace, whose ids it resolves to. */
function observed(observe: () => void) {
  return inTrace("call", () => {
    observe();
    return trace.getActiveSpan()?.spanContext();
  });
}

async function bucketLines(metrics: ReturnType<typeof made>, format: "prometheus" | "openmetrics") {
  const { body } = await metrics.expose(format);
  return body.split("\n").filter((line) => line.startsWith("rpc_server_duration_seconds_bucket"));
}

describe("exemplars", () => {
  it("name the trace of the latest value in each bucket, and are in OpenMetrics alone", async () => {
    telemetry = await startTracing({ endpoint: "http://127.0.0.1:1", shutdownMs: 20 });
    const metrics = made();
    await observed(() => metrics.serverDuration.observe(0.003, labels));
    const latest = await observed(() => metrics.serverDuration.observe(0.004, labels));
    const slowest = await observed(() => metrics.serverDuration.observe(120, labels));
    const lines = await bucketLines(metrics, "openmetrics");
    const told = lines.filter((line) => line.includes(" # "));
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(
      new RegExp(
        `le="0.005".*} 2 # {trace_id="${latest?.traceId}",span_id="${latest?.spanId}"} 0.004 \\d+\\.\\d{3}$`,
      ),
    );
    expect(told[1]).toContain(`} 3 # {trace_id="${slowest?.traceId}",span_id="${slowest?.spanId}"} 120 `);
    expect(told[1]).toContain('le="+Inf"');
    for (const line of await bucketLines(metrics, "prometheus")) expect(line).not.toContain("#");
  });

  it("are of recorded traces alone", async () => {
    telemetry = await startTracing({
      endpoint: "http://127.0.0.1:1",
      shutdownMs: 20,
      sampler: "parentbased_always_off",
    });
    const metrics = made();
    await observed(() => metrics.serverDuration.observe(0.003, labels));
    metrics.serverDuration.observe(0.003, labels);
    for (const line of await bucketLines(metrics, "openmetrics")) expect(line).not.toContain("#");
  });
});

describe("OpenMetrics", () => {
  it("names counters without their suffix, ends in EOF, and says what the other format says", async () => {
    const metrics = made();
    metrics.serverRequests.add({ ...labels, code: "ok" });
    metrics.serverDuration.observe(0.003, labels);
    const open = await metrics.expose("openmetrics");
    expect(open.contentType).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect(open.body).toContain("# TYPE rpc_server_requests counter\n");
    expect(open.body.endsWith("\n# EOF\n")).toBe(true);
    const samples = (body: string) =>
      body.split("\n").filter((line) => line !== "" && !/^#|^(process|nodejs)_/.test(line));
    // Asked for afterwards, so that a format that changes the metrics would show.
    const { body } = await metrics.expose();
    expect(samples(open.body)).toEqual(samples(body));
    expect(body).toContain("# TYPE rpc_server_requests_total counter\n");
  });

  it("escapes what a label may hold", async () => {
    const metrics = made();
    metrics.serverRequests.add({ ...labels, code: 'a"b\\c\nd' });
    const { body } = await metrics.expose("openmetrics");
    expect(body).toContain('code="a\\"b\\\\c\\nd"} 1\n');
  });
});
