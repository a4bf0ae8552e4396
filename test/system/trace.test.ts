import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCollector } from "../support/collector.js";
import { startPlatform, type TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";
import { treeOf } from "../support/traces.js";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const clientSpan = "00f067aa0ba902b7";
const metricsToken = "token-for-scrapes";

describe("a traced request", () => {
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let platform: TestPlatform;
  let rest: ReturnType<typeof restClient>;

  beforeAll(async () => {
    collector = await startCollector();
    platform = await startPlatform({
      environment: { TRACE_EXPORTER: "otlp", TRACE_ENDPOINT: collector.url, METRICS_TOKEN: metricsToken },
    });
    rest = restClient(platform.url, await platform.signIn());
    // The first token to be verified fetches the keys, which is a call of its own.
    await rest("GET", "/api/v1/auth/profile");
  }, 60_000);
  afterAll(async () => {
    await platform?.stop();
    collector?.close();
  });

  it("is one trace from the client over gateway and engine to the store and the event's consumer", async () => {
    const headers = { traceparent: `00-${traceId}-${clientSpan}-01`, "x-request-id": "traced" };
    const body = { input: "What is a verdict?" };
    const answer = await rest("POST", "/api/v1/consciousness/process", body, headers);
    expect(answer.status).toBe(200);

    const spans = () => collector.spans().filter((span) => span.traceId === traceId);
    await expect.poll(() => spans().length, { timeout: 15_000 }).toBe(4);
    expect(treeOf(spans(), clientSpan)).toEqual([
      "platform: server consciousness.engine.v1.EngineService/Process",
      "  platform: server consciousness.engine.v1.EngineService/Process",
      "    platform: client database transaction",
      "      platform: consumer apply events.engine.>",
    ]);
    const lines = platform.lines.filter((line) => line.correlation_id === "traced");
    expect(lines.map((line) => (line.metadata as { trace_id: string }).trace_id)).toEqual([traceId, traceId]);
    expect(lines.map((line) => line.service).sort()).toEqual(["engine", "gateway"]);
  }, 30_000);

  it("is the exemplar of its method's duration, which scrapes may ask for", async () => {
    const accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    const scrape = (headers: Record<string, string>) =>
      fetch(`${platform.url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}`, ...headers } });
    const open = await scrape({ accept });
    expect(open.headers.get("content-type")).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    expect(open.headers.get("vary")?.toLowerCase()).toContain("accept");
    const exemplar = new RegExp(
      `rpc_server_duration_seconds_bucket{.*EngineService.*} \\d+ # {trace_id="${traceId}",span_id="[0-9a-f]{16}"}`,
    );
    expect(await open.text()).toMatch(exemplar);
    const plain = await scrape({});
    expect(plain.headers.get("content-type")).toContain("text/plain");
    expect(await plain.text()).not.toContain("trace_id");
  });

  it("shows in readiness and status how spans leave", async () => {
    expect((await rest("GET", "/readyz")).body).toMatchObject({
      status: "SERVING_STATUS_SERVING",
      trace_export: { delivering: true, failed: "0", dropped: "0" },
    });
    const { body } = await rest("GET", "/api/v1/system/status");
    const status = body as { trace_export: { exported: string }; workload_statuses: { workload: string }[] };
    expect(Number(status.trace_export.exported)).toBeGreaterThan(3);
    expect(status.workload_statuses.map(({ workload }) => workload)).toContain("engine");
  });
});
