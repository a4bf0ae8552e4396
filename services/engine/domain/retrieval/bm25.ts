import type { Passage } from "./passages.js";
import { contentTerms } from "./terms.js";

/** A passage that was found. */
export interface ScoredPassage {
  readonly passage: Passage;
  /** BM25, at least 0; only comparable within one search. */
  readonly score: number;
}

/** Weight of a term by how rare it is; always above 0. */
export type Idf = (term: string) => number;

/** What is known of a collection of passages. */
export interface PassageIndex {
  readonly size: number;
  /** In how many passages, their titles included, a term occurs. */
  documentFrequency(term: string): number;
  /** Scores the passages that hold one of the terms, in their own order. */
  search(terms: ReadonlySet<string>, idf: Idf): ScoredPassage[];
}

interface Posting {
  readonly at: number;
  readonly frequency: number;
}

/** Saturation of term frequency and normalisation of length, at their usual values. */
const k1 = 1.2;
const b = 0.75;

/** Indexes passages for BM25 (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework"). */
export function createIndex(passages: readonly Passage[]): PassageIndex {
  const postings = new Map<string, Posting[]>();
  const lengths = passages.map((passage, at) => addPostings(postings, passage, at));
  const meanLength = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, lengths.length);
  const weight = ({ at, frequency }: Posting) => {
    const relative = meanLength === 0 ? 1 : (lengths[at] as number) / meanLength;
    return (frequency * (k1 + 1)) / (frequency + k1 * (1 - b + b * relative));
  };
  return {
    size: passages.length,
    documentFrequency: (term) => postings.get(term)?.length ?? 0,
    search(terms, idf) {
      const scores = new Map<number, number>();
      for (const term of terms) {
        for (const posting of postings.get(term) ?? []) {
          scores.set(posting.at, (scores.get(posting.at) ?? 0) + idf(term) * weight(posting));
        }
      }
      const inOrder = [...scores].sort(([x], [y]) => x - y);
      return inOrder.map(([at, score]) => ({ passage: passages[at] as Passage, score }));
    },
  };
}

/**
 * Inverse document frequency over several collections as one: ln(1 + (N - n +
 * 0.5) / (n + 0.5)), which is never negative.
 */
export function inverseDocumentFrequency(indexes: readonly PassageIndex[]): Idf {
  const size = indexes.reduce((sum, index) => sum + index.size, 0);
  const known = new Map<string, number>();
  return (term) => {
    const seen = known.get(term);
    if (seen !== undefined) return seen;
    const n = indexes.reduce((sum, index) => sum + index.documentFrequency(term), 0);
    const idf = Math.log(1 + (size - n + 0.5) / (n + 0.5));
    known.set(term, idf);
    return idf;
  };
}

/** The best passages of several collections, best first; equal scores keep the order of the collections. */
export function searchAll(
  indexes: readonly PassageIndex[],
  terms: ReadonlySet<string>,
  idf: Idf,
  most: number,
): ScoredPassage[] {
  return indexes
    .flatMap((index) => index.search(terms, idf))
    .sort((x, y) => y.score - x.score)
    .slice(0, most);
}

/** Adds a passage under its terms; returns its length in terms. */
function addPostings(postings: Map<string, Posting[]>, { title, text }: Passage, at: number): number {
  const frequencies = new Map<string, number>();
  const terms = contentTerms(`${title}\n${text}`);
  for (const { term } of terms) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
  for (const [term, frequency] of frequencies) {
    const list = postings.get(term);
    if (list) list.push({ at, frequency });
    else postings.set(term, [{ at, frequency }]);
  }
  return terms.length;
}
