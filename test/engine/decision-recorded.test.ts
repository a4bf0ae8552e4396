import { create, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { DecisionSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { DecisionRecordedSchema } from "#gen/ts/consciousness/engine/v1/engine_events_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { decisionRecorded } from "../../services/engine/decision-recorded.js";
import { decide } from "./fixture.js";

describe("the event of a decision", () => {
  it("has each figure of it", () => {
    const event = decisionRecorded(
      create(DecisionSchema, {
        id: "d",
        requestId: "r",
        agentId: "a",
        verdict: Verdict.ALLOWED,
        composer: "local",
        modelsVersion: "3",
        creativityScore: 0.4,
        confidenceLevel: 0.8,
        consciousnessQuality: 0.7,
        composeUsage: { inputTokens: 5, outputTokens: 6, cost: 0.1 },
        consciousnessState: { awarenessLevel: 0.5, metaCognitiveDepth: 2 },
        processingMetrics: { totalMs: 4, cpuShare: 1.5, memoryShare: 0.25 },
        ethicalEvaluation: {
          overallScore: 0.9,
          policyDigest: "cafe",
          frameworkScores: [{ framework: "care", score: 0.6 }, { framework: "justice" }],
          violations: [{ ruleId: "x" }, { ruleId: "x" }, { ruleId: "y" }],
        },
      }),
    );
    expect(event).toMatchObject({
      decisionId: "d",
      requestId: "r",
      agentId: "a",
      verdict: Verdict.ALLOWED,
      ruleIds: ["x", "y"],
      consciousnessQuality: 0.7,
      ethicalScore: 0.9,
      awarenessLevel: 0.5,
      creativityScore: 0.4,
      reflectionDepth: 2,
      confidenceLevel: 0.8,
      frameworkScores: { care: 0.6 },
      composeUsage: { inputTokens: 5, outputTokens: 6, cost: 0.1 },
      composer: "local",
      modelsVersion: "3",
      policyDigest: "cafe",
      cpuShare: 1.5,
      memoryShare: 0.25,
      processingMetrics: { totalMs: 4 },
    });
  });

  it("leaves absent what nothing measured", () => {
    const event = decisionRecorded(create(DecisionSchema, { id: "d" }));
    const set = DecisionRecordedSchema.fields.filter(({ localName }) => Object.hasOwn(event, localName));
    const always = ["decisionId", "requestId", "agentId", "verdict", "ruleIds", "frameworkScores"];
    expect(set.map(({ localName }) => localName)).toEqual([
      ...always,
      "composer",
      "modelsVersion",
      "policyDigest",
      "cached",
    ]);
  });

  it("holds no text of the caller's nor of the answer", async () => {
    const input = "How is confidence computed?";
    const decision = await decide({ input, context: { "my place": "Oslo harbour" } });
    expect(decision.content).not.toBe("");
    const told = toJsonString(DecisionRecordedSchema, decisionRecorded(decision));
    for (const text of ["confidence", "computed", "place", "Oslo", decision.content.slice(0, 20)])
      expect(told).not.toContain(text);
  });
});
