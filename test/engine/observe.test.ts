import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DecisionSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { observeDecision } from "../../services/engine/observe.js";
import { createMetrics } from "../../services/kit/metrics.js";
import type { Telemetry } from "../../services/kit/telemetry.js";
import { startCollector } from "../support/collector.js";
import { inTrace, startTracing } from "../support/traces.js";

let collector: Awaited<ReturnType<typeof startCollector>>;
let telemetry: Telemetry;
beforeAll(async () => {
  collector = await startCollector();
  telemetry = await startTracing({ endpoint: collector.url });
});
afterAll(() => collector.close());

it("a decision is counted with its time, and its span says the verdict by which traces are kept", async () => {
  const metrics = createMetrics({ version: "1.2.3", workloads: ["engine"] });
  const decision = create(DecisionSchema, {
    verdict: Verdict.BLOCKED,
    processingMetrics: { totalMs: 20, stages: [{ stage: "retrieve", durationMs: 2 }] },
  });
  await inTrace("Process", () => observeDecision(metrics)(decision));
  await telemetry.shutdown();
  expect(collector.spans().map(({ attributes }) => attributes["consciousness.verdict"])).toEqual(["blocked"]);
  const { body } = await metrics.expose();
  expect(body).toContain('consciousness_requests_total{verdict="blocked",composer="none"} 1\n');
  expect(body).toContain('agent_response_latency_seconds_sum{composer="none"} 0.02\n');
});
