import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  Basis,
  type Opinion,
  OpinionOutcome,
  OpinionSchema,
  type Scope,
  Severity,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Provider } from "../../compose/provider.js";
import type { ProviderAnswer } from "../../compose/provider-answer.js";
import { ProviderError } from "../../compose/provider-error.js";
import { canonicalJson } from "../policy-digest.js";
import type { OpinionRequest } from "./llm-judge.js";
import { type LlmJudgement, readLlmJudgement } from "./llm-judgement.js";
import { judgingRequest, markOf, promptDigest, promptVersion } from "./prompt.js";

/** From which certainty on what a model says counts in full. */
export interface OpinionThresholds {
  /** Harm is HIGH, which blocks, and not MEDIUM; 0..1. */
  readonly blockFrom: number;
  /** Harmlessness lowers heads' warnings; 0..1. */
  readonly lowerFrom: number;
}

/** Which model is asked, and how its word counts. */
export interface ModelOptions {
  readonly provider: Pick<Provider, "id" | "complete">;
  readonly model: string;
  readonly thresholds: OpinionThresholds;
}

/** Asks a model on a text. Rejects with `ProviderError` when it gives no answer that counts. */
export type AskModel = (request: OpinionRequest, signal: AbortSignal) => Promise<Opinion>;

/** Makes the question to a model of a provider, whose answer has to be of the form that is asked for. */
export function createAskModel({ provider, model, thresholds }: ModelOptions): AskModel {
  return async (request, signal) => {
    const answer = await provider.complete(judgingRequest(request), signal);
    const whole = answer.finishReason === "stop" && answer.toolCalls.length === 0;
    const said = whole ? readLlmJudgement(answer.content, markOf(request)) : undefined;
    if (!said) throw new ProviderError("malformed", "gave no judgement in the form that was asked for");
    return create(OpinionSchema, {
      ...saidBy(provider.id, model, request.scope),
      ...counted(said, thresholds),
      ...usageOf(answer),
    });
  };
}

/** An opinion that could not be had, and why. */
export function failedOpinion(provider: string, model: string, scope: Scope, failure: string): Opinion {
  return create(OpinionSchema, {
    ...saidBy(provider, model, scope),
    outcome: OpinionOutcome.FAILED,
    failure,
  });
}

/** SHA-256 in hex of all that decides what a model says and how it counts. */
export function opinionsDigest({ provider, model, thresholds }: ModelOptions): string {
  const all = canonicalJson({ provider: provider.id, model, thresholds, promptDigest });
  return createHash("sha256").update(all).digest("hex");
}

function saidBy(provider: string, model: string, scope: Scope) {
  return { scope, provider, model, promptVersion, promptDigest, basis: Basis.LLM };
}

const outcomes = {
  harmless: OpinionOutcome.HARMLESS,
  doubtful: OpinionOutcome.DOUBTFUL,
  harmful: OpinionOutcome.HARMFUL,
} as const;

function counted({ verdict, categories, certainty }: LlmJudgement, thresholds: OpinionThresholds) {
  const severities = {
    harmless: undefined,
    doubtful: Severity.LOW,
    harmful: certainty >= thresholds.blockFrom ? Severity.HIGH : Severity.MEDIUM,
  };
  const severity = severities[verdict];
  return {
    outcome: outcomes[verdict],
    categories: [...categories],
    certainty,
    lowers: verdict === "harmless" && certainty >= thresholds.lowerFrom,
    ...(severity === undefined ? {} : { severity }),
  };
}

function usageOf({ tokens, cost }: ProviderAnswer) {
  const { input: inputTokens = 0, output: outputTokens = 0 } = tokens ?? {};
  return { inputTokens, outputTokens, ...(cost === undefined ? {} : { cost }) };
}
