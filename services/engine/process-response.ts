import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { isReleased } from "./domain/verdict.js";

/** What the caller is told of a decision. */
export function processResponse({ id, consciousnessQuality, ...decision }: Decision) {
  return {
    requestId: decision.requestId,
    decisionId: id,
    verdict: decision.verdict,
    content: decision.content,
    consciousnessState: decision.consciousnessState,
    ethicalEvaluation: decision.ethicalEvaluation,
    confidenceLevel: decision.confidenceLevel,
    confidenceBasis: decision.confidenceBasis,
    consciousnessQuality,
    creativityScore: decision.creativityScore,
    cached: decision.cached,
    qualityComponents: decision.qualityComponents,
    processingMetrics: decision.processingMetrics,
    processingTimeMs: decision.processingMetrics?.totalMs ?? 0,
    evidence: standsOn(decision),
    reflections: decision.reflections,
    reflectionStop: decision.reflectionStop,
  };
}

/** The passages that a released answer uses; the stored decision has all that were offered. */
function standsOn({ verdict, evidence }: Pick<Decision, "verdict" | "evidence">) {
  return isReleased(verdict) ? evidence.filter(({ contentSpans }) => contentSpans.length > 0) : [];
}
