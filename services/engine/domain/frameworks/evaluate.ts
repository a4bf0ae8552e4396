import { create } from "@bufbuild/protobuf";
import {
  type EthicalEvaluation,
  EthicalEvaluationSchema,
  type FrameworkScore,
  FrameworkScoreSchema,
  type Opinion,
  type ReasoningStep,
  type Recommendation,
  RecommendationSchema,
  type RuleFailure,
  Scope,
  type ShadowHit,
  ShadowHitSchema,
  type Violation,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { blocks, worstPenalty } from "../judges/severity.js";
import type { EffectivePolicy } from "../policy/policy.js";
import { care } from "./care.js";
import { deontological } from "./deontological.js";
import type { Framework, FrameworkInput } from "./framework.js";
import { justice } from "./justice.js";
import { utilitarian } from "./utilitarian.js";
import { virtue } from "./virtue.js";

/** The frameworks as shipped. */
export const frameworks: readonly Framework[] = [deontological, utilitarian, justice, care, virtue];

/** What is known beside the framework's own view. */
export interface EvaluationFacts extends FrameworkInput {
  /** By which the violations were ruled. */
  readonly policy: Pick<EffectivePolicy, "digest" | "layers" | "recommendation">;
  /** Of the detectors. */
  readonly detectorsDigest: string;
  /** 0..1. */
  readonly strictness: number;
  /** What rules in SHADOW would have raised. */
  readonly shadow?: readonly Violation[];
  readonly failures?: readonly RuleFailure[];
  /** What a language model said. */
  readonly opinions?: readonly Opinion[];
  readonly reasoning: readonly ReasoningStep[];
  /** Recommendations that are about no rule. */
  readonly advice?: readonly string[];
}

/**
 * Judges by every framework. The overall score is the mean of those that could
 * judge, by weight, and at most 1 minus the penalty of the worst violation.
 */
export function evaluateEthics(judging: readonly Framework[], facts: EvaluationFacts): EthicalEvaluation {
  const frameworkScores = judging.map((framework) => scoreOf(framework, facts));
  const judged = frameworkScores.flatMap(({ score, weight }) =>
    score === undefined ? [] : [{ score, weight }],
  );
  const overallScore = overall(judged, facts.violations);
  return create(EthicalEvaluationSchema, {
    frameworkScores,
    violations: [...facts.violations],
    recommendations: recommendations(facts),
    reasoningChain: [...facts.reasoning],
    policyDigest: facts.policy.digest,
    policyLayers: [...facts.policy.layers],
    detectorsDigest: facts.detectorsDigest,
    shadow: (facts.shadow ?? []).map((violation) => shadowHit(violation, facts.strictness)),
    ruleFailures: [...(facts.failures ?? [])],
    opinions: [...(facts.opinions ?? [])],
    ...(overallScore === undefined ? {} : { overallScore }),
    ...disagreementOf(frameworkScores),
  });
}

/** The overall score, or undefined when no framework could judge. */
export function overall(
  judged: readonly { readonly score: number; readonly weight: number }[],
  violations: readonly Violation[],
): number | undefined {
  const weight = judged.reduce((sum, one) => sum + one.weight, 0);
  if (weight === 0) return undefined;
  const mean = judged.reduce((sum, one) => sum + one.score * one.weight, 0) / weight;
  return Math.min(mean, 1 - worstPenalty(violations));
}

/** How far the frameworks that could judge are apart, and which of them; nothing with fewer than two. */
function disagreementOf(all: readonly FrameworkScore[]) {
  const judged = all.filter(({ score }) => score !== undefined);
  if (judged.length < 2) return {};
  const extreme = (sign: 1 | -1) =>
    judged.reduce((best, one) => (sign * ((one.score ?? 0) - (best.score ?? 0)) > 0 ? one : best));
  const [highest, lowest] = [extreme(1), extreme(-1)];
  return {
    disagreement: (highest.score ?? 0) - (lowest.score ?? 0),
    disagreementBetween: { highest: highest.framework, lowest: lowest.framework },
  };
}

function shadowHit(violation: Violation, strictness: number): ShadowHit {
  const wouldBlock = violation.scope !== Scope.EVIDENCE && blocks(violation, strictness);
  return create(ShadowHitSchema, { violation, wouldBlock });
}

function scoreOf(framework: Framework, input: FrameworkInput): FrameworkScore {
  const { score, evidence, basis } = framework.evaluate(input);
  const { name, weight, weakness } = framework;
  const init = { framework: name, weight, weakness, evidence, basis };
  return create(FrameworkScoreSchema, score === undefined ? init : { ...init, score });
}

function recommendations({ violations, policy, advice = [] }: EvaluationFacts): Recommendation[] {
  const ids = [...new Set(violations.map(({ ruleId }) => ruleId))];
  const byRule = ids.flatMap((ruleId) => {
    const text = policy.recommendation(ruleId) || undefined;
    return text === undefined ? [] : [create(RecommendationSchema, { ruleId, text })];
  });
  return [...byRule, ...advice.map((text) => create(RecommendationSchema, { text }))];
}
