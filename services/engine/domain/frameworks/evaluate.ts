import { create } from "@bufbuild/protobuf";
import {
  type EthicalEvaluation,
  EthicalEvaluationSchema,
  type FrameworkScore,
  FrameworkScoreSchema,
  type ReasoningStep,
  type Recommendation,
  RecommendationSchema,
  type Violation,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { rulesById } from "../judges/rules/catalogue.js";
import { worstPenalty } from "../judges/severity.js";
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
  readonly policyDigest: string;
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
  const scores = judged.map(({ score }) => score);
  const overallScore = overall(judged, facts.violations);
  return create(EthicalEvaluationSchema, {
    frameworkScores,
    violations: [...facts.violations],
    recommendations: recommendations(facts.violations, facts.advice ?? []),
    reasoningChain: [...facts.reasoning],
    policyDigest: facts.policyDigest,
    ...(overallScore === undefined ? {} : { overallScore }),
    ...(scores.length < 2 ? {} : { disagreement: Math.max(...scores) - Math.min(...scores) }),
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

function scoreOf(framework: Framework, input: FrameworkInput): FrameworkScore {
  const { score, evidence, basis } = framework.evaluate(input);
  const { name, weight, weakness } = framework;
  const init = { framework: name, weight, weakness, evidence, basis };
  return create(FrameworkScoreSchema, score === undefined ? init : { ...init, score });
}

function recommendations(violations: readonly Violation[], advice: readonly string[]): Recommendation[] {
  const ids = [...new Set(violations.map(({ ruleId }) => ruleId))];
  const byRule = ids.flatMap((ruleId) => {
    const text = rulesById.get(ruleId)?.recommendation;
    return text === undefined ? [] : [create(RecommendationSchema, { ruleId, text })];
  });
  return [...byRule, ...advice.map((text) => create(RecommendationSchema, { text }))];
}
