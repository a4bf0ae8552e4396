import type { EvidencePassage } from "../compose/composer.js";
import { maskPersonalData } from "../judges/personal-data/personal-data.js";
import { repeatedSentences } from "../quality.js";
import type { Idf } from "../retrieval/bm25.js";
import { termSet } from "../retrieval/terms.js";
import { assessSupport, weakSupport } from "../support.js";
import { splitSentences } from "../text/sentences.js";

/** An answer and what it is measured by. */
export interface Draft {
  readonly question: string;
  readonly content: string;
  readonly evidence: readonly EvidencePassage[];
  readonly idf: Idf;
}

/** What can be wrong with an answer, in the order in which it is put right. */
export type CritiqueName = "personal_data" | "unsupported" | "redundant" | "incomplete";

/** A critique that found something. */
export interface Critique {
  readonly name: CritiqueName;
  /** In figures. */
  readonly finding: string;
}

/** Looks for one fault. */
export type Critic = (draft: Draft) => Critique | undefined;

/** Personal data that is not masked. */
export const personalDataCritic: Critic = ({ content }) => {
  const { findings } = maskPersonalData(content);
  if (findings.length === 0) return undefined;
  const types = [...new Set(findings.map(({ type }) => type))].join(", ");
  return { name: "personal_data", finding: `${findings.length} findings of personal data: ${types}` };
};

/** Sentences with support under 0.5, and numbers or names that no passage has. */
export const unsupportedCritic: Critic = ({ content, evidence, idf }) => {
  const { sentences, unsupportedTerms } = assessSupport(content, evidence, idf);
  const weak = sentences.filter(({ support }) => support < weakSupport).length;
  if (weak === 0 && unsupportedTerms.length === 0) return undefined;
  const finding = `${weak} of ${sentences.length} sentences weak, ${unsupportedTerms.length} unsupported terms`;
  return { name: "unsupported", finding };
};

/** Sentences that repeat an earlier one. */
export const redundantCritic: Critic = ({ content }) => {
  const sentences = splitSentences(content).map(({ start, end }) => content.slice(start, end));
  const repeated = repeatedSentences(sentences).size;
  if (repeated === 0) return undefined;
  return { name: "redundant", finding: `${repeated} of ${sentences.length} sentences repeated` };
};

/** Terms of the question that the answer leaves out although the evidence has them. */
export const incompleteCritic: Critic = ({ question, content, evidence }) => {
  const missing = missingTerms(question, content, evidence);
  if (missing.size === 0) return undefined;
  return {
    name: "incomplete",
    finding: `${missing.size} terms of the question left out that the evidence has`,
  };
};

/** Every critic, in the order in which faults are put right. */
export const critics: readonly Critic[] = [
  personalDataCritic,
  unsupportedCritic,
  redundantCritic,
  incompleteCritic,
];

/** Terms of the question that some passage has and the answer has not. */
export function missingTerms(
  question: string,
  content: string,
  evidence: readonly EvidencePassage[],
): ReadonlySet<string> {
  const said = termSet(content);
  const known = termSet(evidence.map(({ text }) => text).join("\n"));
  return new Set([...termSet(question)].filter((term) => known.has(term) && !said.has(term)));
}
