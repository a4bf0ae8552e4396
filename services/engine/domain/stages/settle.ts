import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Decision,
  DecisionSchema,
  type QualityComponents,
} from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { type EthicalEvaluation, Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { ConfidenceBasis, ConsciousnessStateSchema } from "#gen/ts/consciousness/engine/v1/state_pb.js";
import { alignEvidence } from "../evidence.js";
import { evaluateEthics } from "../frameworks/evaluate.js";
import { jointDigest } from "../judges/judge-all.js";
import { holdsMask } from "../judges/personal-data/personal-data.js";
import { worstPenalty } from "../judges/severity.js";
import type { TextModel } from "../models/text-model.js";
import { qualityComponents, qualityIndex } from "../quality.js";
import type { PipelineDeps, Run, StageReport } from "../run.js";
import { elapsedMs } from "../stage.js";
import { releasedContent, type Settlement, settleVerdict } from "../verdict.js";
import { isBlocked } from "./screen-input.js";

/** All that is decided, before it is written down. */
export interface Outcome {
  readonly settlement: Settlement;
  readonly evaluation: EthicalEvaluation;
  /** The answer, masked; empty when there is none. */
  readonly answer: string;
  readonly components: QualityComponents | undefined;
  readonly quality: number | undefined;
}

/** Settles the verdict from what the stages found. */
export function settle(run: Run, deps: PipelineDeps): StageReport & { readonly outcome: Outcome } {
  const outcome = outcomeOf(run, deps);
  const saw = `${run.violations.length} violations, ${run.unavailable.length} failed checks`;
  return { saw, concluded: outcome.settlement.why, outcome };
}

function outcomeOf(run: Run, deps: PipelineDeps): Outcome {
  const answer = releasable(run, deps);
  const evaluation = evaluate(run, deps, []);
  const components = componentsOf(run, answer, evaluation.overallScore);
  const quality = components && qualityIndex(components);
  const settlement = settleVerdict({
    blocked: isBlocked(run),
    unavailable: run.unavailable,
    uncovered: run.uncovered,
    answered: run.draft !== undefined,
    quality,
    qualityThreshold: run.request.options.qualityThreshold,
    modified: answer !== run.composed || (run.personalData.length > 0 && holdsMask(answer)),
  });
  return { settlement, evaluation, answer, components, quality };
}

/** The decision as stored, once every stage has left its step and its time. */
export function decisionOf(run: Run, outcome: Outcome, deps: PipelineDeps): Decision {
  const { request } = run;
  const { answer, components, quality, settlement } = outcome;
  const { verdict } = settlement;
  const content = releasedContent(verdict, answer);
  return create(DecisionSchema, {
    id: request.decisionId,
    requestId: request.requestId,
    subject: request.subject,
    agentId: request.responder.agentId,
    input: run.question,
    context: run.context,
    options: { ...request.options },
    verdict,
    content,
    withheldContent: content === answer ? "" : answer,
    consciousnessState: stateOf(run, deps.textModel),
    ethicalEvaluation: evaluate(run, deps, adviceFor(verdict)),
    confidenceBasis: ConfidenceBasis.UNCALIBRATED,
    ...(components && quality !== undefined
      ? { qualityComponents: components, consciousnessQuality: quality }
      : {}),
    processingMetrics: {
      queueMs: request.queueMs,
      stages: [...run.timings],
      totalMs: request.queueMs + elapsedMs(deps.clock, run.startedAt),
    },
    evidence: alignEvidence(answer, run.evidence, run.idf),
    reflections: [...run.passes],
    composer: run.composer,
    personalData: [...run.personalData],
    engineVersion: deps.version,
    createTime: timestampFromMs(deps.clock.now()),
  });
}

/** The answer, masked; empty when a failed check leaves open whether it may be kept. */
function releasable({ draft, unavailable }: Run, { maskPersonalData }: PipelineDeps): string {
  return draft === undefined || unavailable.length > 0 ? "" : maskPersonalData(draft).text;
}

function evaluate(
  run: Run,
  { frameworks, judges }: PipelineDeps,
  advice: readonly string[],
): EthicalEvaluation {
  return evaluateEthics(frameworks, {
    text: run.question,
    violations: [...run.violations].sort((a, b) => b.severity - a.severity),
    uncovered: run.uncovered ?? run.unavailable[0],
    policyDigest: jointDigest(judges),
    reasoning: run.steps,
    advice,
  });
}

function componentsOf(run: Run, answer: string, ethics: number | undefined): QualityComponents | undefined {
  if (answer === "" || ethics === undefined) return undefined;
  const { question, evidence: passages, idf } = run;
  return qualityComponents({ question, content: answer, passages, idf, ethics });
}

/** Alignment is the cap by the worst rule hit; unknown, as is the feeling, when nothing judged. */
function stateOf(run: Run, textModel: TextModel | undefined) {
  const { awareness, cognitiveLoad, depth, violations, unavailable, uncovered, question } = run;
  const judged = violations.length > 0 || (unavailable.length === 0 && uncovered === undefined);
  return create(ConsciousnessStateSchema, {
    cognitiveLoad,
    metaCognitiveDepth: depth,
    ...(awareness === undefined ? {} : { awarenessLevel: awareness }),
    ...(judged ? { ethicalAlignment: 1 - worstPenalty(violations) } : {}),
    ...(textModel && uncovered === undefined ? { emotionalState: textModel.read(question).emotion } : {}),
  });
}

function adviceFor(verdict: Verdict): string[] {
  if (verdict !== Verdict.ABSTAINED) return [];
  return ["Add knowledge that covers the question, or ask in the words of the documents, in English."];
}
