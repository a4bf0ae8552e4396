import type { Idf } from "./retrieval/bm25.js";
import { contentTerms, type Term, termSet } from "./retrieval/terms.js";
import type { TextSpan } from "./text/normalise.js";
import { splitSentences } from "./text/sentences.js";

/** A passage that may support an answer. */
export interface SupportingPassage {
  readonly title: string;
  readonly text: string;
}

/** How well one sentence of an answer is supported. */
export interface SentenceSupport extends TextSpan {
  readonly text: string;
  /** Idf of its distinct content terms, and of those that its best passage has. */
  readonly weight: number;
  readonly covered: number;
  /** `covered` by `weight`, 0..1; 1 for a sentence without content terms. */
  readonly support: number;
  /** Index of the passage that covers most of it; undefined when none covers anything. */
  readonly passage: number | undefined;
}

/** How well an answer is supported by passages. */
export interface AnswerSupport {
  /**
   * Share of the content terms, weighted by inverse document frequency, that
   * the best passage of each sentence has. 0 for an answer without any.
   */
  readonly support: number;
  readonly sentences: readonly SentenceSupport[];
  /** Numbers and names of the answer that no passage has. */
  readonly unsupportedTerms: readonly string[];
}

/** Below this support a sentence is weak, as the contract states. */
export const weakSupport = 0.5;

/** Assesses the support of an answer, sentence by sentence. */
export function assessSupport(
  content: string,
  passages: readonly SupportingPassage[],
  idf: Idf,
): AnswerSupport {
  const known = passages.map(passageTerms);
  const sentences = splitSentences(content).map((span) => sentenceSupport(content, span, known, idf));
  const weight = sum(sentences.map((sentence) => sentence.weight));
  return {
    support: weight === 0 ? 0 : sum(sentences.map((sentence) => sentence.covered)) / weight,
    sentences,
    unsupportedTerms: [...new Set(sentences.flatMap(({ text }) => unsupportedIn(text, known)))],
  };
}

const termsOf = new WeakMap<SupportingPassage, ReadonlySet<string>>();

/** The distinct content terms of a passage and its title, found once. */
export function passageTerms(passage: SupportingPassage): ReadonlySet<string> {
  const known = termsOf.get(passage) ?? termSet(`${passage.title}\n${passage.text}`);
  termsOf.set(passage, known);
  return known;
}

/** Share of `wanted`, weighted by inverse document frequency, among `present`; undefined when nothing is wanted. */
export function coverage(
  wanted: ReadonlySet<string>,
  present: ReadonlySet<string>,
  idf: Idf,
): number | undefined {
  const all = [...wanted];
  if (all.length === 0) return undefined;
  return sum(all.filter((term) => present.has(term)).map(idf)) / sum(all.map(idf));
}

function sentenceSupport(
  content: string,
  { start, end }: TextSpan,
  known: readonly ReadonlySet<string>[],
  idf: Idf,
): SentenceSupport {
  const text = content.slice(start, end);
  const terms = [...termSet(text)];
  const weight = sum(terms.map(idf));
  const covers = known.map((passage) => sum(terms.filter((term) => passage.has(term)).map(idf)));
  const covered = Math.max(0, ...covers);
  const passage = covered > 0 ? covers.indexOf(covered) : undefined;
  return { start, end, text, weight, covered, support: weight === 0 ? 1 : covered / weight, passage };
}

function unsupportedIn(sentence: string, known: readonly ReadonlySet<string>[]): string[] {
  return contentTerms(sentence)
    .filter((term, at) => isNumber(term) || (at > 0 && isName(term)))
    .filter(({ term }) => !known.some((passage) => passage.has(term)))
    .map(({ word }) => word);
}

function isNumber({ word }: Term): boolean {
  return [...word].some((unit) => unit >= "0" && unit <= "9");
}

/** A word in the middle of a sentence that begins with a capital. */
function isName({ word }: Term): boolean {
  const first = word[0] ?? "";
  return first !== first.toLowerCase();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
