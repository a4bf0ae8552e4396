import { create } from "@bufbuild/protobuf";
import {
  ConfidenceBasis,
  type SupportAssessment,
  SupportAssessmentSchema,
} from "#gen/ts/consciousness/engine/v1/state_pb.js";
import { createIndex, type Idf, inverseDocumentFrequency, type PassageIndex } from "./retrieval/bm25.js";
import { assessSupport, type SupportingPassage, weakSupport } from "./support.js";

/** How well an answer is supported by passages. Words are weighed beside `background`. */
export function assessAnswer(
  content: string,
  passages: readonly string[],
  background: PassageIndex,
): SupportAssessment {
  const supporting = passages.map((text) => ({ title: "", text }));
  return supportAssessment(content, supporting, idfBeside(supporting, background));
}

/** Weights of terms over passages and a background collection together. */
export function idfBeside(passages: readonly SupportingPassage[], background: PassageIndex): Idf {
  const index = createIndex(passages.map((passage) => ({ ...passage, source: "knowledge" })));
  return inverseDocumentFrequency([background, index]);
}

/** Support in the contract's form. */
export function supportAssessment(
  content: string,
  passages: readonly SupportingPassage[],
  idf: Idf,
): SupportAssessment {
  const { support, sentences, unsupportedTerms } = assessSupport(content, passages, idf);
  return create(SupportAssessmentSchema, {
    support,
    basis: ConfidenceBasis.UNCALIBRATED,
    unsupportedTerms: [...unsupportedTerms],
    weakSentences: sentences.filter((one) => one.support < weakSupport).map(({ text }) => text),
  });
}
