import { exactDigits, isDouble, isNumberPart, isSpace, stringEnd } from "./json-text.js";

/**
 * Whether `JSON.parse` reads the text, if it is JSON, just as `parseJson` does.
 * One pass that skips strings, so that most bodies never meet the slower parser.
 */
export function isPlainJson(text: string, maxDepth: number): boolean {
  const open: (string[] | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = stringEnd(text, at);
      if (end < 0) return false;
      if (isName(text, end) && !takeName(open[open.length - 1], text.slice(at + 1, end))) return false;
      at = end;
    } else if (code === openBrace || code === openBracket) {
      open.push(code === openBrace ? [] : undefined);
      if (open.length > maxDepth) return false;
    } else if (code === closeBrace || code === closeBracket) {
      open.pop();
    } else if (code >= zero && code <= nine) {
      const end = numberEnd(text, at);
      if (end - at > exactDigits || !isDouble(text, at, end)) return false;
      at = end - 1;
    }
  }
  return true;
}

const quote = 34;
const openBrace = 123;
const closeBrace = 125;
const openBracket = 91;
const closeBracket = 93;
const zero = 48;
const nine = 57;

// Comparing each name with all before it takes quadratic time.
const fewNames = 32;

function takeName(names: string[] | undefined, name: string): boolean {
  if (!names || names.length >= fewNames || name.includes("\\") || name === "__proto__") return false;
  if (names.includes(name)) return false;
  names.push(name);
  return true;
}

function isName(text: string, stringEnd: number): boolean {
  let at = stringEnd + 1;
  while (isSpace(text.charCodeAt(at))) at++;
  return text[at] === ":";
}

function numberEnd(text: string, start: number): number {
  let end = start + 1;
  while (isNumberPart(text.charCodeAt(end))) end++;
  return end;
}
