import { isInvisible, isMark } from "../text/characters.js";
import { foldHomoglyphs } from "../text/homoglyphs.js";

const beyondAscii = /[\u0080-\uffff]/;
const quotes = new Map([
  ["‘", "'"],
  ["’", "'"],
  ["“", '"'],
  ["”", '"'],
  ["…", "..."],
  ["–", "-"],
  ["—", "-"],
]);

/** Whether a text holds nothing but ASCII: folding then keeps every offset. */
export function isAscii(text: string): boolean {
  return !beyondAscii.test(text);
}

/**
 * The form of a text that features are taken from: what `foldedView` makes of
 * it, and typographic punctuation as ASCII. Keeps no offsets, and leaves runs
 * of ASCII to the engine's own lower-casing, which makes it fast.
 */
export function foldForFeatures(text: string): string {
  if (!beyondAscii.test(text)) return text.toLowerCase();
  let folded = "";
  for (let at = 0; at < text.length; ) {
    const ascii = endOfAscii(text, at);
    folded += text.slice(at, ascii).toLowerCase();
    at = endOfForeign(text, ascii);
    folded += foldForeign(text.slice(ascii, at));
  }
  return folded;
}

function endOfAscii(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) < 128) at++;
  return at;
}

function endOfForeign(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) >= 128) at++;
  return at;
}

function foldForeign(run: string): string {
  let visible = "";
  for (const point of run) {
    if (!isInvisible(point.codePointAt(0) ?? 0)) visible += quotes.get(point) ?? point;
  }
  let plain = "";
  for (const point of visible.normalize("NFKD")) if (!isMark(point.codePointAt(0) ?? 0)) plain += point;
  return foldHomoglyphs(plain.toLowerCase());
}
