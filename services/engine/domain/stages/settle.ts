import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Decision,
  DecisionSchema,
  type QualityComponents,
} from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { type EthicalEvaluation, Scope, Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { ConfidenceBasis, ConsciousnessStateSchema } from "#gen/ts/consciousness/engine/v1/state_pb.js";
import { recalibrated } from "../calibration/recalibrate.js";
import { alignEvidence } from "../evidence.js";
import { evaluateEthics } from "../frameworks/evaluate.js";
import { modelView } from "../frameworks/model-view.js";
import { detectorsDigest } from "../judges/judge-all.js";
import { holdsMask } from "../judges/personal-data/personal-data.js";
import { worstPenalty } from "../judges/severity.js";
import type { Calibration } from "../models/calibration.js";
import type { SupportReading } from "../models/support-model.js";
import type { TextReading } from "../models/text-model.js";
import { novelty, sketchOf } from "../novelty.js";
import { tokensIn } from "../pseudonyms/token.js";
import { qualityComponents, qualityIndex } from "../quality.js";
import { replayRecord } from "../replay/replay-record.js";
import type { PipelineDeps, Run, StageReport } from "../run.js";
import { elapsedMs } from "../stage.js";
import { isReleased, releasedContent, type Settlement, settleVerdict } from "../verdict.js";
import { isBlocked } from "./screen-input.js";

/** All that is decided, before it is written down. */
export interface Outcome {
  readonly settlement: Settlement;
  readonly evaluation: EthicalEvaluation;
  /** The answer, masked; empty when there is none. */
  readonly answer: string;
  readonly components: QualityComponents | undefined;
  readonly quality: number | undefined;
  /** How new the answer is, 0..1; undefined without one. */
  readonly creativity: number | undefined;
  /** What the models say of the request; undefined without models or where they cannot judge. */
  readonly reading: TextReading | undefined;
  /** How likely the evidence supports the answer. */
  readonly support: Confidence | undefined;
}

/** How likely the evidence supports an answer, as shipped and as labels of the agent's answers have it. */
interface Confidence extends SupportReading {
  readonly shipped: number;
  readonly basis: ConfidenceBasis;
}

/** Settles the verdict from what the stages found. */
export async function settle(
  run: Run,
  deps: PipelineDeps,
): Promise<StageReport & { readonly outcome: Outcome }> {
  const outcome = await outcomeOf(run, deps);
  const saw = `${run.violations.length} violations, ${run.unavailable.length} failed checks`;
  return { saw, concluded: outcome.settlement.why, outcome };
}

async function outcomeOf(run: Run, deps: PipelineDeps): Promise<Outcome> {
  const answer = await releasable(run, deps);
  const covered = run.uncovered === undefined && run.unavailable.length === 0;
  const reading = covered ? await deps.readText?.(run.question) : undefined;
  const evaluation = evaluate(run, deps, reading, []);
  const support = supportOf(run, answer, deps);
  const components = componentsOf(run, answer, evaluation.overallScore);
  const quality = components && qualityIndex(components);
  const settlement = settleVerdict({
    blocked: isBlocked(run),
    unavailable: run.unavailable,
    uncovered: run.uncovered,
    ended: run.ended ?? (answer.startsWith(run.released) ? undefined : changedRelease),
    answered: run.draft !== undefined,
    grounded: mustStandOnEvidence(run),
    unsupported: support !== undefined && isWeak(support),
    quality,
    qualityThreshold: run.request.options.qualityThreshold,
    modified: answer !== run.composed || run.toolCallsMasked || lacksValues(answer, run),
  });
  const creativity = creativityOf(run, answer);
  return { settlement, evaluation, answer, components, quality, creativity, reading, support };
}

/** Whether an answer is told, or a function called, with marks where values belong. */
function lacksValues(answer: string, { personalData, request, toolCalls }: Run): boolean {
  if (personalData.length === 0) return false;
  const told = [answer, ...toolCalls.map((call) => call.arguments)].join("\n");
  return holdsMask(told) || (!request.policy.personalData.restores && tokensIn(told).length > 0);
}

const changedRelease = "the end of the answer changes what had left";

/** A call of the caller's own function is no answer yet. */
function mustStandOnEvidence({ request, draft, toolCalls }: Run): boolean {
  return request.responder.grounded && !(draft === "" && toolCalls.length > 0);
}

/** The decision as stored, once every stage has left its step and its time. */
export function decisionOf(run: Run, outcome: Outcome, deps: PipelineDeps): Decision {
  const { request } = run;
  const { answer, components, quality, creativity, settlement, reading, support } = outcome;
  const { verdict } = settlement;
  const content = releasedContent(verdict, answer);
  if (isReleased(verdict)) request.recentAnswers?.add(sketchOf(answer));
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
    consciousnessState: stateOf(run, reading),
    ethicalEvaluation: evaluate(run, deps, reading, adviceFor(verdict)),
    ...confidenceOf(support),
    ...(creativity === undefined ? {} : { creativityScore: creativity }),
    ...(components && quality !== undefined
      ? { qualityComponents: components, consciousnessQuality: quality }
      : {}),
    processingMetrics: {
      queueMs: request.queueMs,
      stages: [...run.timings],
      totalMs: request.queueMs + elapsedMs(deps.clock, run.startedAt),
      ...usedBy(run),
    },
    evidence: alignEvidence(answer, run.evidence, run.idf),
    reflections: [...run.passes],
    reflectionStop: run.reflectionStop,
    composer: run.composer,
    cached: run.cachedFrom !== "",
    cachedFrom: run.cachedFrom,
    personalData: [...run.personalData, ...run.told],
    conversation: run.conversation.map((one) => ({ ...one })),
    toolCalls: isReleased(verdict) ? [...run.toolCalls] : [],
    finishReason: run.finishReason,
    releasedContent: run.released,
    ...usageOf(run.usage),
    engineVersion: deps.version,
    modelsVersion: deps.modelsVersion,
    createTime: timestampFromMs(deps.clock.now()),
    // Last, as aligning the evidence asks for weights of terms.
    replay: replayRecord(run),
  });
}

function usedBy({ usageSinceStart }: Run) {
  if (!usageSinceStart) return {};
  const { cpuShare, memoryShare } = usageSinceStart();
  return { ...(cpuShare === undefined ? {} : { cpuShare }), memoryShare };
}

/** Beside the request, all passages that were retrieved, and the answers of late. */
function creativityOf({ request, question, conversation, evidence, leftOut }: Run, answer: string) {
  if (answer === "") return undefined;
  const asked = sketchOf(question, ...conversation.map(({ text }) => text));
  const known = sketchOf(...[...evidence, ...leftOut].map(({ text }) => text));
  return novelty(answer, [asked, known, ...(request.recentAnswers?.latest() ?? [])]);
}

function usageOf({ tokens, cost }: Run["usage"]) {
  if (!tokens) return {};
  const counted = { inputTokens: tokens.input, outputTokens: tokens.output };
  return { composeUsage: { ...counted, ...(cost === undefined ? {} : { cost }) } };
}

/** The answer, masked; empty when a failed check leaves open whether it may be kept. */
async function releasable({ draft, unavailable }: Run, { maskPersonalData }: PipelineDeps): Promise<string> {
  return draft === undefined || unavailable.length > 0 ? "" : (await maskPersonalData(draft)).text;
}

function supportOf(run: Run, answer: string, { support }: PipelineDeps): Confidence | undefined {
  if (answer === "") return undefined;
  const passages = run.evidence.map(({ title, text }) => `${title}.\n${text}`);
  const reading = support?.({ text: answer, question: run.question }, passages);
  return reading && confidenceIn(reading, run.request.responder.calibration);
}

function confidenceIn(reading: SupportReading, calibration: Calibration | undefined): Confidence {
  const shipped = reading.confidence;
  if (!calibration) return { ...reading, shipped, basis: ConfidenceBasis.CALIBRATED };
  const confidence = recalibrated(shipped, calibration);
  return { ...reading, confidence, shipped, basis: ConfidenceBasis.RECALIBRATED };
}

/** Labels may have more withheld, and never less: the lower of both probabilities decides. */
function isWeak({ confidence, shipped, abstainBelow }: Confidence): boolean {
  return Math.min(confidence, shipped) < abstainBelow;
}

/** The confidence in the contract's form. */
function confidenceOf(support: Confidence | undefined) {
  if (!support) return { confidenceBasis: ConfidenceBasis.UNCALIBRATED };
  const { basis, confidence, shipped } = support;
  return { confidenceBasis: basis, confidenceLevel: confidence, shippedConfidence: shipped };
}

function evaluate(
  run: Run,
  { frameworks, judges, llmJudge }: PipelineDeps,
  reading: TextReading | undefined,
  advice: readonly string[],
): EthicalEvaluation {
  return evaluateEthics(frameworks, {
    text: run.question,
    violations: [...run.violations].sort((a, b) => b.severity - a.severity),
    uncovered: run.uncovered ?? run.unavailable[0],
    policy: run.request.policy,
    detectorsDigest: detectorsDigest(judges, llmJudge),
    strictness: run.request.options.ethicalStrictness,
    shadow: run.shadow,
    failures: run.failures,
    opinions: run.opinions.map(({ opinion }) => opinion),
    reasoning: run.steps,
    advice,
    model: reading && modelView(reading, run.question, Scope.INPUT),
  });
}

function componentsOf(run: Run, answer: string, ethics: number | undefined): QualityComponents | undefined {
  if (answer === "" || ethics === undefined) return undefined;
  const { question, evidence: passages, idf } = run;
  return qualityComponents({ question, content: answer, passages, idf, ethics });
}

/** Alignment is 1 minus the probability of a violation, capped by the worst rule hit; unknown, as is the feeling, when nothing judged. */
function stateOf(run: Run, reading: TextReading | undefined) {
  const { awareness, cognitiveLoad, depth, violations, unavailable, uncovered, question } = run;
  const likeliest = reading ? modelView(reading, question, Scope.INPUT).violation.probability : 0;
  const judged = violations.length > 0 || (unavailable.length === 0 && uncovered === undefined);
  return create(ConsciousnessStateSchema, {
    cognitiveLoad,
    metaCognitiveDepth: depth,
    ...(awareness === undefined ? {} : { awarenessLevel: awareness }),
    ...(judged ? { ethicalAlignment: 1 - Math.max(likeliest, worstPenalty(violations)) } : {}),
    ...(reading ? { emotionalState: reading.emotion } : {}),
  });
}

function adviceFor(verdict: Verdict): string[] {
  if (verdict !== Verdict.ABSTAINED) return [];
  return ["Add knowledge that covers the question, or ask in the words of the documents, in English."];
}
