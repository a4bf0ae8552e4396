import { isAlphanumeric, isDigit, isSpace } from "./characters.js";
import type { TextSpan } from "./normalise.js";

const abbreviations = new Set([
  "e.g",
  "i.e",
  "etc",
  "vs",
  "cf",
  "dr",
  "mr",
  "mrs",
  "ms",
  "prof",
  "no",
  "approx",
  "st",
]);
const closers = "\"'”’)]";

/**
 * Spans of the sentences of a text, without the blanks around them. A sentence
 * ends with `.`, `!` or `?` before a blank, at a blank line, or before a list
 * item; not after a common abbreviation or a single initial.
 */
export function splitSentences(text: string): TextSpan[] {
  const sentences: TextSpan[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const end = sentenceEnd(text, at);
    if (end < 0) continue;
    push(sentences, text, start, end);
    start = end;
    at = end - 1;
  }
  push(sentences, text, start, text.length);
  return sentences;
}

/** End of the sentence that is closed at `at`, or -1. Always behind `at`. */
function sentenceEnd(text: string, at: number): number {
  const unit = text[at];
  if (unit === "\n") return breaksLine(text, at) ? at + 1 : -1;
  if (unit !== "." && unit !== "!" && unit !== "?") return -1;
  let end = at + 1;
  while (end < text.length && (closers.includes(text[end] as string) || ".!?".includes(text[end] as string)))
    end++;
  if (end < text.length && !isSpace(text.charCodeAt(end))) return -1;
  return unit === "." && end === at + 1 && isAbbreviation(text, at) ? -1 : end;
}

function breaksLine(text: string, at: number): boolean {
  let next = at + 1;
  while (next < text.length && (text[next] === " " || text[next] === "\t" || text[next] === "\r")) next++;
  const unit = text[next];
  if (unit === "\n") return true;
  if ((unit === "-" || unit === "*" || unit === "•") && text[next + 1] === " ") return true;
  return isDigit(text.charCodeAt(next)) && (text[next + 1] === "." || text[next + 1] === ")");
}

function isAbbreviation(text: string, at: number): boolean {
  let start = at;
  while (start > 0 && at - start < 8 && !isSpace(text.charCodeAt(start - 1)) && text[start - 1] !== "(")
    start--;
  const word = text.slice(start, at);
  const initial = word.length === 1 && word >= "A" && word <= "Z" && word !== "I";
  return initial || abbreviations.has(word.toLowerCase());
}

function push(sentences: TextSpan[], text: string, from: number, to: number): void {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  if (hasWord(text, start, end)) sentences.push({ start, end });
}

function hasWord(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (isAlphanumeric(unit) || unit > 127) return true;
  }
  return false;
}
