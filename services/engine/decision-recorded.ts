import { create } from "@bufbuild/protobuf";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import {
  type DecisionRecorded,
  DecisionRecordedSchema,
} from "#gen/ts/consciousness/engine/v1/engine_events_pb.js";
import type { FrameworkScore } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";

/** What others learn of a decision: figures and names, no text. What nothing measured stays absent. */
export function decisionRecorded(decision: Decision): DecisionRecorded {
  const { ethicalEvaluation: evaluation, consciousnessState: state, processingMetrics } = decision;
  return create(DecisionRecordedSchema, {
    decisionId: decision.id,
    requestId: decision.requestId,
    agentId: decision.agentId,
    verdict: decision.verdict,
    ruleIds: [...new Set(evaluation?.violations.map(({ ruleId }) => ruleId))],
    frameworkScores: scoresOf(evaluation?.frameworkScores ?? []),
    composer: decision.composer,
    cached: decision.cached,
    modelsVersion: decision.modelsVersion,
    policyDigest: evaluation?.policyDigest ?? "",
    ...present({
      consciousnessQuality: decision.consciousnessQuality,
      ethicalScore: evaluation?.overallScore,
      processingMetrics,
      awarenessLevel: state?.awarenessLevel,
      creativityScore: decision.creativityScore,
      reflectionDepth: state?.metaCognitiveDepth,
      confidenceLevel: decision.confidenceLevel,
      composeUsage: decision.composeUsage,
      cpuShare: processingMetrics?.cpuShare,
      memoryShare: processingMetrics?.memoryShare,
    }),
  });
}

function scoresOf(scores: readonly FrameworkScore[]): Record<string, number> {
  return Object.fromEntries(
    scores.flatMap(({ framework, score }) => (score === undefined ? [] : [[framework, score] as const])),
  );
}

function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
