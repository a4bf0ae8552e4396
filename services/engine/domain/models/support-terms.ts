import { contentTerms } from "../retrieval/terms.js";
import { splitSentences } from "../text/sentences.js";
import { type FrequencyTable, inverseFrequencyOf } from "./frequency.js";

/** A content term with what matters for support. */
export interface Wanted {
  readonly term: string;
  readonly weight: number;
  readonly isNumber: boolean;
  readonly isName: boolean;
}

/** A question or an answer by its terms. */
export interface ClaimTerms {
  readonly text: string;
  readonly wanted: readonly Wanted[];
  /** Letters and digits alone. */
  readonly plain: string;
}

/** A passage by its terms. */
export interface PassageTerms {
  readonly sentences: readonly {
    readonly terms: readonly string[];
    readonly set: ReadonlySet<string>;
    readonly text: string;
  }[];
  readonly all: ReadonlySet<string>;
  readonly beginnings: ReadonlySet<string>;
  readonly order: readonly string[];
  /** Where each term stands in the order. */
  readonly places: ReadonlyMap<string, readonly number[]>;
  /** Terms of each two neighbouring sentences. */
  readonly pairs: readonly ReadonlySet<string>[];
  /** Letters and digits alone, for finding an answer word for word. */
  readonly plain: string;
}

/** Letters by which two forms of a word count as the same in part. */
const sameBeginning = 5;
/** What a term counts of which only the beginning was found. */
const partial = 0.7;
/** How far apart two neighbouring terms may stand in a passage. */
const reach = 3;

/** Reads a question or an answer once for any number of passages. */
export function readClaim(text: string, frequency: FrequencyTable): ClaimTerms {
  return { text, wanted: wantedOf(text, frequency), plain: plainOf(text) };
}

/** Reads a passage once for any number of questions. */
export function readPassage(text: string): PassageTerms {
  const sentences = splitSentences(text).map(({ start, end }) => {
    const part = text.slice(start, end);
    const terms = contentTerms(part).map(({ term }) => term);
    return { terms, set: new Set(terms), text: part };
  });
  const order = sentences.flatMap(({ terms }) => terms);
  const all = new Set(order);
  const beginnings = new Set([...all].map((term) => term.slice(0, sameBeginning)));
  return {
    sentences,
    all,
    beginnings,
    order,
    places: placesOf(order),
    pairs: pairsOf(sentences),
    plain: plainOf(text),
  };
}

function wantedOf(text: string, frequency: FrequencyTable): Wanted[] {
  const seen = new Map<string, Wanted>();
  for (const { term, word, start } of contentTerms(text)) {
    if (seen.has(term)) continue;
    const isNumber = hasDigit(word);
    const isName = start > 0 && word[0] !== word[0]?.toLowerCase();
    seen.set(term, { term, weight: inverseFrequencyOf(frequency, term), isNumber, isName });
  }
  return [...seen.values()];
}

/** Whether a term, or a word that begins like it, is present. */
export function isFound(term: string, all: ReadonlySet<string>, beginnings: ReadonlySet<string>): boolean {
  return all.has(term) || (term.length > sameBeginning && beginnings.has(term.slice(0, sameBeginning)));
}

/** Share of the weight that is present, words of which only the beginning is found counting in part. */
export function coverage(
  wanted: readonly Wanted[],
  set: ReadonlySet<string>,
  beginnings?: ReadonlySet<string>,
): number {
  let sum = 0;
  let found = 0;
  for (const { term, weight } of wanted) {
    sum += weight;
    if (set.has(term)) found += weight;
    else if (beginnings && term.length > sameBeginning && beginnings.has(term.slice(0, sameBeginning)))
      found += partial * weight;
  }
  return sum === 0 ? 0 : found / sum;
}

/** Share of neighbouring terms that stand near each other in the passage. */
export function neighbours(wanted: readonly Wanted[], places: PassageTerms["places"]): number {
  if (wanted.length < 2) return 0;
  let together = 0;
  for (let at = 1; at < wanted.length; at++) {
    const first = places.get((wanted[at - 1] as Wanted).term) ?? [];
    const second = places.get((wanted[at] as Wanted).term) ?? [];
    if (first.some((place) => second.some((other) => Math.abs(other - place) <= reach))) together++;
  }
  return together / (wanted.length - 1);
}

function placesOf(order: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  order.forEach((term, at) => {
    const list = places.get(term);
    if (list) list.push(at);
    else places.set(term, [at]);
  });
  return places;
}

function pairsOf(sentences: PassageTerms["sentences"]): Set<string>[] {
  return sentences.slice(1).map(({ set }, at) => new Set([...(sentences[at]?.set ?? []), ...set]));
}

/** Whether a word holds a digit. */
export function hasDigit(text: string): boolean {
  return /\d/.test(text);
}

function plainOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
