import { create } from "@bufbuild/protobuf";
import {
  type QualityComponents,
  QualityComponentsSchema,
} from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import type { Idf } from "./retrieval/bm25.js";
import { contentTerms, termSet } from "./retrieval/terms.js";
import { assessSupport, coverage, passageTerms, type SupportingPassage } from "./support.js";
import { splitSentences } from "./text/sentences.js";

/** What an answer's quality is computed from. */
export interface QualityInput {
  readonly question: string;
  readonly content: string;
  readonly passages: readonly SupportingPassage[];
  readonly idf: Idf;
  /** The overall ethical score, 0..1. */
  readonly ethics: number;
}

/** The four components, each 0..1. */
export function qualityComponents({
  question,
  content,
  passages,
  idf,
  ethics,
}: QualityInput): QualityComponents {
  return create(QualityComponentsSchema, {
    support: assessSupport(content, passages, idf).support,
    ethics,
    completeness: completeness(question, content, passages, idf),
    coherence: coherence(content),
  });
}

/** The index: support^0.4 · ethics^0.3 · completeness^0.2 · coherence^0.1, 0..1. */
export function qualityIndex({ support, ethics, completeness, coherence }: QualityComponents): number {
  return support ** 0.4 * ethics ** 0.3 * completeness ** 0.2 * coherence ** 0.1;
}

/** Share of the question's content terms that the answer or its evidence takes up; 1 when it has none. */
export function completeness(
  question: string,
  content: string,
  passages: readonly SupportingPassage[],
  idf: Idf,
): number {
  const taken = new Set([termSet(content), ...passages.map(passageTerms)].flatMap((terms) => [...terms]));
  return coverage(termSet(question), taken, idf) ?? 1;
}

/** Share of the sentences that are whole and do not repeat an earlier one; 0 for an empty answer. */
export function coherence(content: string): number {
  const sentences = splitSentences(content).map(({ start, end }) => content.slice(start, end));
  if (sentences.length === 0) return 0;
  const repeated = repeatedSentences(sentences);
  return sentences.filter((text, at) => isWhole(text) && !repeated.has(at)).length / sentences.length;
}

/** Indexes of the sentences whose content terms are those of an earlier one, in order. */
export function repeatedSentences(sentences: readonly string[]): ReadonlySet<number> {
  const seen = new Set<string>();
  const repeated = new Set<number>();
  sentences.forEach((text, at) => {
    const terms = contentTerms(text).map(({ term }) => term);
    const key = terms.length > 0 ? terms.join(" ") : text.toLowerCase();
    if (seen.has(key)) repeated.add(at);
    seen.add(key);
  });
  return repeated;
}

const enders = ".!?:…。！？";
const closers = "\"'”’)]";

/** Whether a sentence ends as one: with a stop, closing quotes and brackets aside. */
function isWhole(text: string): boolean {
  let end = text.length;
  while (end > 0 && closers.includes(text[end - 1] as string)) end--;
  return end > 0 && enders.includes(text[end - 1] as string);
}
