import { LRUCache } from "lru-cache";
import { maskedTypes } from "../judges/personal-data/finding.js";
import { tokenAt } from "../pseudonyms/token.js";
import { isDigit, isLetter, isMark } from "../text/characters.js";
import type { TextSpan } from "../text/normalise.js";
import { stem } from "./stem.js";
import { stopWords } from "./stop-words.js";

/** A content term and the word that it comes from. */
export interface Term extends TextSpan {
  /** Stemmed and in lower case: what is compared. */
  readonly term: string;
  /** As written. */
  readonly word: string;
}

const masks = new Set<string>(maskedTypes);

// One decision reads the same question, passages and sentences in several stages.
const known = new LRUCache<string, readonly Term[]>({
  maxSize: 500_000,
  sizeCalculation: (terms, text) => text.length + terms.length + 1,
});

/**
 * The content terms of a text in order: words and numbers of any script in
 * lower case, stemmed, without English stop words and without the marks that
 * stand for masked personal data, tokens among them.
 */
export function contentTerms(text: string): readonly Term[] {
  const found = known.get(text);
  if (found) return found;
  const terms = readTerms(text);
  known.set(text, terms);
  return terms;
}

function readTerms(text: string): Term[] {
  const terms: Term[] = [];
  for (const { start, end } of rawWords(text)) {
    const word = text.slice(start, end);
    const plain = plainWord(word);
    const masked = text[start - 1] === "[" && text[end] === "]" && masks.has(word);
    if (plain !== "" && !stopWords.has(plain) && !masked) terms.push({ term: stem(plain), word, start, end });
  }
  return terms;
}

const beyondLetters = /[^A-Za-z0-9]/;

/** In lower case and composed form, without apostrophes; most words need the first only. */
function plainWord(word: string): string {
  if (!beyondLetters.test(word)) return word.toLowerCase();
  return word.normalize("NFKC").toLowerCase().replaceAll("'", "").replaceAll("’", "");
}

/** The distinct content terms of a text. */
export function termSet(text: string): ReadonlySet<string> {
  return new Set(contentTerms(text).map(({ term }) => term));
}

function rawWords(text: string): TextSpan[] {
  const words: TextSpan[] = [];
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at);
    const end = token?.end ?? wordEnd(text, at);
    if (end > at && !token) words.push({ start: at, end });
    at = Math.max(end, at + 1);
  }
  return words;
}

function wordEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.codePointAt(at) ?? 0;
    if (!isWordPoint(code) && !(at > from && joins(text, at))) break;
    at += code > 0xffff ? 2 : 1;
  }
  return at;
}

function isWordPoint(code: number): boolean {
  return isDigit(code) || isLetter(code) || isMark(code);
}

/** An apostrophe between letters, a point or comma between digits. */
function joins(text: string, at: number): boolean {
  const unit = text[at];
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at + 1);
  if (unit === "'" || unit === "’") return isLetter(before) && isLetter(after);
  return (unit === "." || unit === ",") && isDigit(before) && isDigit(after);
}
