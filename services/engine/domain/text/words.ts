import { isAsciiLetter, isDigit, isSpace } from "./characters.js";
import type { TextSpan } from "./normalise.js";

/** A word of a folded text. */
export interface Word extends TextSpan {
  /** Lower case, apostrophes dropped, digits that stand for letters undone. */
  readonly text: string;
  /** Number of the sentence it stands in, from 0. */
  readonly sentence: number;
}

const leet = new Map([..."4@3!10$57"].map((sign, at) => [sign, "aaeiiosst"[at] ?? sign]));

/**
 * Splits a folded text into words and numbers its sentences. Undoes two
 * disguises: digits and signs inside a word (`1gn0re`) and words spelled with
 * single letters (`i g n o r e`). Reads the text once.
 */
export function splitWords(text: string): Word[] {
  const words: Word[] = [];
  let sentence = 0;
  for (let at = 0; at < text.length; ) {
    const end = wordEnd(text, at);
    if (end > at) {
      words.push({ text: plainWord(text.slice(at, end)), start: at, end, sentence });
      at = end;
    } else {
      if (endsSentence(text, at)) sentence++;
      at++;
    }
  }
  return joinSpelled(words, text);
}

/** End of the word that starts at `at`; `at` itself when none does. */
function wordEnd(text: string, at: number): number {
  if (!isWordUnit(text.charCodeAt(at)) && !startsLeet(text, at)) return at;
  let end = at;
  while (end < text.length && (isWordUnit(text.charCodeAt(end)) || joins(text, end))) end++;
  return end;
}

function isWordUnit(unit: number): boolean {
  return isAsciiLetter(unit) || isDigit(unit) || (unit >= 0xaa && !isSpace(unit) && !isPunctuation(unit));
}

/** General and CJK punctuation, and the signs of Latin-1. */
function isPunctuation(unit: number): boolean {
  return (
    (unit < 0xc0 && unit !== 0xaa && unit !== 0xb5 && unit !== 0xba) ||
    (unit >= 0x2010 && unit <= 0x206f) ||
    (unit >= 0x3001 && unit <= 0x303f)
  );
}

/** An apostrophe, or a sign for a letter, between two word characters. */
function joins(text: string, at: number): boolean {
  const unit = text[at] ?? "";
  const between = isWordUnit(text.charCodeAt(at - 1)) && isWordUnit(text.charCodeAt(at + 1));
  return between && (unit === "'" || unit === "’" || unit === "@" || unit === "$" || unit === "!");
}

function startsLeet(text: string, at: number): boolean {
  const unit = text[at];
  return (unit === "@" || unit === "$") && isAsciiLetter(text.charCodeAt(at + 1));
}

function plainWord(raw: string): string {
  let letters = 0;
  let signs = 0;
  let plain = "";
  for (const unit of raw) {
    if (unit === "'" || unit === "’") continue;
    if (isAsciiLetter(unit.charCodeAt(0))) letters++;
    else signs++;
    plain += unit;
  }
  if (signs === 0 || letters < Math.max(2, signs)) return plain;
  let folded = "";
  for (const unit of plain) folded += leet.get(unit) ?? unit;
  return folded;
}

/** Sentence ends: `.`, `!`, `?` before a blank, `;`, blank lines and CJK stops. */
function endsSentence(text: string, at: number): boolean {
  const unit = text[at];
  if (unit === ";" || unit === "。" || unit === "！" || unit === "？") return true;
  if (unit === "\n") return text[at + 1] === "\n";
  if (unit !== "." && unit !== "!" && unit !== "?") return false;
  const next = text.charCodeAt(at + 1);
  return Number.isNaN(next) || isSpace(next) || text[at + 1] === '"' || text[at + 1] === "”";
}

const shortestSpelled = 4;

/** Joins runs of single letters that one sign separates. */
function joinSpelled(words: readonly Word[], text: string): Word[] {
  const joined: Word[] = [];
  for (let at = 0; at < words.length; ) {
    const end = spelledEnd(words, at, text);
    const first = words[at] as Word;
    const last = words[end - 1] as Word;
    if (end - at >= shortestSpelled) {
      joined.push({
        ...first,
        end: last.end,
        text: words
          .slice(at, end)
          .map((word) => word.text)
          .join(""),
      });
      at = end;
    } else {
      joined.push(first);
      at++;
    }
  }
  return joined;
}

function spelledEnd(words: readonly Word[], from: number, text: string): number {
  const separator = text[(words[from] as Word).end];
  let at = from;
  while (at < words.length) {
    const word = words[at] as Word;
    const before = words[at - 1];
    const follows =
      at === from || (before && word.start === before.end + 1 && text[before.end] === separator);
    if (word.text.length !== 1 || !isAsciiLetter(word.text.charCodeAt(0)) || !follows) break;
    at++;
  }
  return at;
}
