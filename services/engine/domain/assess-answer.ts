import { create } from "@bufbuild/protobuf";
import {
  ConfidenceBasis,
  type SupportAssessment,
  SupportAssessmentSchema,
} from "#gen/ts/consciousness/engine/v1/state_pb.js";
import type { Claim, SupportModel } from "./models/support-model.js";
import { createIndex, type Idf, inverseDocumentFrequency, type PassageIndex } from "./retrieval/bm25.js";
import { assessSupport, type SupportingPassage, weakSupport } from "./support.js";

/** How well an answer is supported by passages. Words are weighed beside `background`. */
export function assessAnswer(
  claim: Claim,
  passages: readonly string[],
  background: PassageIndex,
  support?: SupportModel,
): SupportAssessment {
  const supporting = passages.map((text) => ({ title: "", text }));
  return supportAssessment(claim, supporting, idfBeside(supporting, background), support);
}

/** Weights of terms over passages and a background collection together. */
export function idfBeside(passages: readonly SupportingPassage[], background: PassageIndex): Idf {
  const index = createIndex(passages.map((passage) => ({ ...passage, source: "knowledge" })));
  return inverseDocumentFrequency([background, index]);
}

/** Support in the contract's form; with a model of support, how likely it is. */
export function supportAssessment(
  claim: Claim,
  passages: readonly SupportingPassage[],
  idf: Idf,
  model?: SupportModel,
): SupportAssessment {
  const { support, sentences, unsupportedTerms } = assessSupport(claim.text, passages, idf);
  const texts = passages.map(({ title, text }) => (title === "" ? text : `${title}.\n${text}`));
  const reading = model?.(claim, texts);
  return create(SupportAssessmentSchema, {
    support,
    basis: reading ? ConfidenceBasis.CALIBRATED : ConfidenceBasis.UNCALIBRATED,
    ...(reading ? { confidence: reading.confidence } : {}),
    unsupportedTerms: [...unsupportedTerms],
    weakSentences: sentences.filter((one) => one.support < weakSupport).map(({ text }) => text),
  });
}
