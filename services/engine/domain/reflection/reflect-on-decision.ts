import { create } from "@bufbuild/protobuf";
import { type Decision, type Evidence, ReflectionStop } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import {
  type ReflectResponse,
  ReflectResponseSchema,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { idfBeside, supportAssessment } from "../assess-answer.js";
import type { EvidencePassage } from "../compose/composer.js";
import type { SupportModel } from "../models/support-model.js";
import type { PassageIndex } from "../retrieval/bm25.js";
import { isReleased } from "../verdict.js";
import { reflect } from "./reflect.js";

const deepest = 3;

/**
 * Reflects on the answer of a stored decision, withheld or not, with the
 * evidence that was stored beside it. Without an answer there is nothing to
 * criticise.
 */
export function reflectOnDecision(
  decision: Decision,
  background: PassageIndex,
  support?: SupportModel,
): ReflectResponse {
  const evidence = decision.evidence.map(passageOf);
  const idf = idfBeside(evidence, background);
  const content = answerOf(decision);
  const assess = (text: string) =>
    supportAssessment({ text, question: decision.input }, evidence, idf, support);
  const before = assess(content);
  if (content === "") {
    return create(ReflectResponseSchema, { decisionId: decision.id, before, stop: ReflectionStop.NO_ANSWER });
  }
  const draft = { question: decision.input, content, evidence, idf };
  const { content: revised, passes, stop } = reflect(draft, deepest);
  return create(ReflectResponseSchema, {
    decisionId: decision.id,
    passes: [...passes],
    before,
    stop,
    ...(revised === content ? {} : { revisedContent: revised, after: assess(revised) }),
  });
}

/** What was composed: a withheld answer was replaced by a notice in `content`. */
function answerOf({ verdict, content, withheldContent, qualityComponents }: Decision): string {
  if (withheldContent !== "") return withheldContent;
  return qualityComponents && isReleased(verdict) ? content : "";
}

function passageOf({ number, title, source, passage, score }: Evidence): EvidencePassage {
  return { number, title, text: passage, score, source: source as EvidencePassage["source"] };
}
