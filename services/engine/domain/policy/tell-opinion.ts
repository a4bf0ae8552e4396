import { create } from "@bufbuild/protobuf";
import {
  type Opinion,
  OpinionOutcome,
  type ReasoningStep,
  ReasoningStepSchema,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { StageName } from "../../config.js";

/** The step of reasoning that an opinion on a text leaves. */
export function opinionStep(stage: StageName, text: string, opinion: Opinion): ReasoningStep {
  const saw = `${text.length} characters, as a language model sees them`;
  return create(ReasoningStepSchema, { stage, saw, concluded: tellOpinion(opinion) });
}

/** An opinion and what came of it, in words. */
function tellOpinion(opinion: Opinion): string {
  const { outcome, model, failure, loweredRules } = opinion;
  if (outcome === OpinionOutcome.FAILED)
    return `${model} gave no opinion (${failure}): the judges' word stands`;
  if (outcome === OpinionOutcome.NOT_ON_RECORD)
    return "an opinion would be asked for today; none is on record";
  const lowered = loweredRules.length > 0 ? `, which makes notes of ${loweredRules.join(", ")}` : "";
  return `${model} ${inShort(opinion)}${lowered}`;
}

/** What an opinion says, in a few words. */
export function inShort({ outcome, categories, certainty = 0, failure }: Opinion): string {
  const sure = `with ${certainty.toFixed(2)}`;
  switch (outcome) {
    case OpinionOutcome.HARMLESS:
      return `finds it harmless ${sure}`;
    case OpinionOutcome.DOUBTFUL:
      return `may find ${categories.join(", ")} ${sure}`;
    case OpinionOutcome.HARMFUL:
      return `finds ${categories.join(", ")} ${sure}`;
    case OpinionOutcome.FAILED:
      return `failed: ${failure}`;
    default:
      return "is not on record";
  }
}
