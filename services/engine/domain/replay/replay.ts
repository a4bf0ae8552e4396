import { create } from "@bufbuild/protobuf";
import {
  type Decision,
  type Evidence,
  ReplayRecordSchema,
} from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import type { ConversationText, EvidencePassage } from "../compose/composer.js";
import type { Finding, MaskedType } from "../judges/personal-data/finding.js";
import type { Masked } from "../judges/personal-data/personal-data.js";
import type { Calibration } from "../models/calibration.js";
import { createPipeline, type Sources } from "../pipeline.js";
import type { EffectivePolicy } from "../policy/policy.js";
import type { MaskPersonalData, PipelineDeps, PipelineRequest } from "../run.js";
import { recordedOpinions } from "./recorded-opinions.js";
import { maskedDigest } from "./replay-record.js";

/** What judging again came to. */
export interface Replayed {
  readonly decision: Decision;
  /** The request now comes as far as being answered, of which nothing is on record. */
  readonly unrecorded: boolean;
}

/** Why a decision cannot be judged again; undefined when it can. */
export function unreplayable({ replay, input }: Decision): string | undefined {
  if (!replay) return "it was made before what that takes was recorded";
  if (!replay.complete || input === "") return "a check failed on the way, so that not all is on record";
  return undefined;
}

/**
 * Judges a decision again on its masked texts: with the passages, the answer and
 * the findings of personal data that are on record, by `deps`' judges, models
 * and clock, under a policy, and the opinions of a language model that are on
 * record. Nothing else is asked, so the same policy and
 * models lead to the same decision, times aside, and creativity, which depends on
 * answers that are not on record. Call for replayable decisions.
 */
export async function replayDecision(
  decision: Decision,
  policy: EffectivePolicy,
  deps: PipelineDeps,
  signal: AbortSignal,
): Promise<Replayed> {
  const { findTold: _, measureUsage: __, llmJudge: today, ...others } = deps;
  const state = decision.consciousnessState;
  const llmJudge = recordedOpinions(decision, today);
  const replaying: PipelineDeps = {
    ...others,
    load: () => state?.cognitiveLoad ?? 0,
    maskPersonalData: recordedMask(decision),
    ...(llmJudge && { llmJudge }),
  };
  const sources = recordedSources(decision);
  const pipeline = createPipeline(replaying, sources);
  const again = await pipeline(requestOf(decision, policy, deps), signal);
  return { decision: again, unrecorded: sources.unrecorded() };
}

function requestOf(decision: Decision, policy: EffectivePolicy, deps: PipelineDeps): PipelineRequest {
  const { qualityThreshold = 0, ethicalStrictness = 0, maxReflectionDepth = 0 } = decision.options ?? {};
  return {
    decisionId: decision.id,
    requestId: decision.requestId,
    // Nothing is kept for whoever asks again.
    tenant: "",
    subject: decision.subject,
    queueMs: decision.processingMetrics?.queueMs ?? 0,
    input: decision.input,
    context: decision.context,
    conversation: decision.conversation.map(({ role, text }) => ({
      role: role as ConversationText["role"],
      text,
    })),
    options: { qualityThreshold, ethicalStrictness, maxReflectionDepth },
    policy,
    responder: {
      agentId: decision.agentId,
      goals: [],
      instructions: "",
      composer: deps.fallback,
      grounded: !decision.replay?.groundingOptional,
      knowledge: deps.background,
      calibration: calibrationOf(decision),
    },
  };
}

function calibrationOf({ replay }: Decision): Calibration | undefined {
  const { calibrationSlope: slope, calibrationOffset: offset } = replay ?? {};
  return slope === undefined || offset === undefined ? undefined : { slope, offset };
}

/** Finds in each masked text what was found when it was masked. */
function recordedMask({ replay }: Decision): MaskPersonalData {
  const known = new Map(replay?.maskedTexts.map(({ part, digest, findings }) => [part + digest, findings]));
  return (text, part = "request"): Masked => {
    const found = known.size === 0 ? [] : (known.get(part + maskedDigest(text)) ?? []);
    const findings = found.map(({ type, span, score }): Finding<MaskedType> => {
      return { type: type as MaskedType, span: spanOf(span), score };
    });
    return { text, findings, places: found.map(({ place }) => spanOf(place)) };
  };
}

function spanOf(span: { readonly start: number; readonly end: number } | undefined) {
  return { start: span?.start ?? 0, end: span?.end ?? 0 };
}

function recordedSources(decision: Decision): Sources & { unrecorded(): boolean } {
  const record = decision.replay ?? create(ReplayRecordSchema);
  let unrecorded = false;
  return {
    unrecorded: () => unrecorded,
    retrieve(run) {
      run.idf = (term) => {
        const weight = record.termWeights[term] ?? 0;
        run.termWeights.set(term, weight);
        return weight;
      };
      run.evidence = retrieved(decision.evidence, record.leftOut);
      run.awareness = decision.consciousnessState?.awarenessLevel;
      return { saw: "the record", concluded: `${run.evidence.length} passages on record` };
    },
    compose(run) {
      unrecorded = !record.answered;
      run.composer = decision.composer;
      run.draft = record.composed;
      run.composed = record.composed;
      run.toolCalls = record.toolCalls;
      const concluded = record.composed === undefined ? "no answer on record" : "the answer on record";
      return { saw: `${run.evidence.length} passages`, concluded };
    },
  };
}

/** All passages that were retrieved, in their order: those left out have their place, the others fill the rest. */
function retrieved(kept: readonly Evidence[], leftOut: readonly Evidence[]): EvidencePassage[] {
  const places = new Map(leftOut.map((one) => [one.number, one]));
  const rest = [...kept];
  return Array.from({ length: kept.length + leftOut.length }, (_, at) => {
    const { title, source, passage, score } = places.get(at + 1) ?? (rest.shift() as Evidence);
    return { number: at + 1, title, text: passage, score, source: source as EvidencePassage["source"] };
  });
}
