import { describe, expect, it } from "vitest";
import { AnswerLabel, VerdictLabel } from "#gen/ts/consciousness/engine/v1/calibration_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { createPseudonyms } from "../../../services/analytics/domain/pseudonyms.js";
import { eventRow } from "../../../services/analytics/ingest/event-rows.js";
import { figures } from "../../../services/analytics/store/port.js";
import { decided, labelled, startTime } from "../support/analytics.js";

const pseudonyms = createPseudonyms(Buffer.alloc(32, 1));
const rowOf = (event: Parameters<typeof eventRow>[0]) =>
  eventRow(event, { pseudonyms, now: startTime + 250 });

describe("a decision's row", () => {
  it("has every figure and name of the event, when it was made, and when it arrived", () => {
    const event = decided(
      {
        decisionId: "d1",
        requestId: "r1",
        agentId: "a1",
        verdict: Verdict.CHECK_UNAVAILABLE,
        ruleIds: ["harm.fraud", "harm.fraud", "privacy.person"],
        consciousnessQuality: 0.9,
        ethicalScore: 0.8,
        processingMetrics: {
          queueMs: 5,
          totalMs: 25,
          stages: [
            { stage: "reflect", durationMs: 4 },
            { stage: "compose", durationMs: 10 },
            { stage: "reflect", durationMs: 2 },
          ],
        },
        awarenessLevel: 0.7,
        creativityScore: 0.6,
        reflectionDepth: 2,
        confidenceLevel: 0.5,
        frameworkScores: { care: 0.4, justice: 0.3 },
        composeUsage: { inputTokens: 100, outputTokens: 20, cost: 0.002 },
        composer: "openai",
        modelsVersion: "7",
        policyDigest: "sha256:1",
        cpuShare: 1.5,
        memoryShare: 0.2,
        gpuShare: 0.1,
        quantumCoherence: 0.05,
        cached: true,
      },
      { actor: "ann" },
    );
    expect(rowOf(event)).toEqual({
      kind: "decision",
      row: {
        tenantId: "acme",
        decisionId: "d1",
        requestId: "r1",
        time: new Date(startTime),
        arriveTime: new Date(startTime + 250),
        agentId: "a1",
        user: pseudonyms.of("acme", "ann"),
        verdict: "check_unavailable",
        ruleIds: ["harm.fraud", "privacy.person"],
        modelVersion: "7",
        policyDigest: "sha256:1",
        composer: "openai",
        cached: true,
        figures: {
          processing_ms: 20,
          queue_ms: 5,
          total_ms: 25,
          awareness: 0.7,
          ethical_score: 0.8,
          creativity: 0.6,
          quality: 0.9,
          reflection_depth: 2,
          confidence: 0.5,
          rules_hit: 2,
          input_tokens: 100,
          output_tokens: 20,
          cost: 0.002,
          cpu_share: 1.5,
          memory_share: 0.2,
          gpu_share: 0.1,
          quantum_coherence: 0.05,
        },
        stages: { reflect: 6, compose: 10 },
        frameworks: { care: 0.4, justice: 0.3 },
      },
    });
  });

  it("has no figure that nothing measured, and none that is no finite number", () => {
    const { processingMetrics: _, ...bare } = { processingMetrics: undefined, ethicalScore: Number.NaN };
    const event = decided({ ...bare, processingMetrics: { totalMs: Number.POSITIVE_INFINITY } });
    const row = rowOf(event);
    if (row?.kind !== "decision") throw new Error("it is a decision");
    const measured = figures.filter((name) => row.row.figures[name] !== null);
    expect(measured).toEqual(["queue_ms", "rules_hit"]);
  });
});

describe("a label's row", () => {
  it("says what was said of answer and verdict, by which version of the feedback", () => {
    const said = { decisionId: "d1", answer: AnswerLabel.UNSUPPORTED, verdict: VerdictLabel.RIGHT };
    expect(rowOf(labelled(said, { aggregateId: "f1", version: 3n }))).toEqual({
      kind: "label",
      row: {
        tenantId: "acme",
        decisionId: "d1",
        feedbackId: "f1",
        version: 3n,
        time: new Date(startTime),
        labels: ["answer_unsupported", "verdict_right"],
      },
    });
  });

  it("is empty when everything was taken back", () => {
    expect(rowOf(labelled({ decisionId: "d1" }))).toMatchObject({ row: { labels: [] } });
  });
});

it("an event of another type has no row", () => {
  const event = decided();
  const payload = { ...event.payload!, typeUrl: "type.googleapis.com/consciousness.engine.v1.SelfAssessed" };
  expect(rowOf({ ...event, payload })).toBeUndefined();
});
