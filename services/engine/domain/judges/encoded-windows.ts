import { endOfRun, isAlphanumeric, isAsciiLetter, isDigit } from "../text/characters.js";
import type { TextSpan } from "../text/normalise.js";

/** A stretch of a text that decodes to readable text. */
export interface EncodedWindow {
  readonly span: TextSpan;
  readonly decoded: string;
}

/** Shorter runs are words and numbers far more often than hidden text. */
const shortestRun = 20;
const mostWindows = 16;

/**
 * Finds runs of base64 (RFC 4648, either alphabet) and hexadecimal digits that
 * decode to readable text, and lines that are English when each letter is
 * moved by 13 places.
 */
export function encodedWindows(text: string): EncodedWindow[] {
  return [...encodedRuns(text), ...rotatedLines(text)].slice(0, mostWindows);
}

function encodedRuns(text: string): EncodedWindow[] {
  const windows: EncodedWindow[] = [];
  for (let at = 0; at < text.length && windows.length < mostWindows; ) {
    const end = endOfRun(text, at, isBase64);
    if (end - at >= shortestRun) {
      const decoded = decode(text.slice(at, end));
      if (decoded !== undefined) windows.push({ span: { start: at, end }, decoded });
    }
    at = Math.max(end, at + 1);
  }
  return windows;
}

const littleWords = new Set(
  "the a an of to in and or is are it that this for on with as all your you me my how do what not from".split(
    " ",
  ),
);
const movedLittleWords = new Set([...littleWords].map(rotate));
/** Fewer little words than this may be chance. */
const fewestLittle = 2;
const longestLittle = 4;

function rotatedLines(text: string): EncodedWindow[] {
  const windows: EncodedWindow[] = [];
  for (let start = 0; start < text.length; ) {
    const line = text.indexOf("\n", start);
    const end = line < 0 ? text.length : line;
    const decoded = unrotate(text.slice(start, end));
    if (decoded !== undefined) windows.push({ span: { start, end }, decoded });
    start = end + 1;
  }
  return windows;
}

/** The line with its letters moved, when that has more little words than the line itself. */
function unrotate(line: string): string | undefined {
  let littleNow = 0;
  let littleMoved = 0;
  for (let at = 0; at < line.length; ) {
    const end = endOfRun(line, at, isAsciiLetter);
    if (end > at && end - at <= longestLittle) {
      const word = line.slice(at, end).toLowerCase();
      if (littleWords.has(word)) littleNow++;
      if (movedLittleWords.has(word)) littleMoved++;
    }
    at = Math.max(end, at + 1);
  }
  return littleMoved >= fewestLittle && littleMoved > 2 * littleNow ? rotate(line) : undefined;
}

/** Moves each letter by 13 places. */
function rotate(text: string): string {
  let moved = "";
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const first = unit & 32 ? 97 : 65;
    moved += isAsciiLetter(unit) ? String.fromCharCode(first + ((unit - first + 13) % 26)) : text[at];
  }
  return moved;
}

function decode(run: string): string | undefined {
  const isHex = run.length % 2 === 0 && endOfRun(run, 0, isHexDigit) === run.length;
  const bytes = Buffer.from(run, isHex ? "hex" : "base64");
  const text = bytes.toString("utf8");
  return isReadable(text) ? text : undefined;
}

/** Mostly ASCII letters and blanks: what random bytes are not. */
function isReadable(text: string): boolean {
  let readable = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0xfffd || (unit < 32 && unit !== 10 && unit !== 13 && unit !== 9)) return false;
    if (isAlphanumeric(unit) || unit === 32) readable++;
  }
  return text.includes(" ") && readable >= 0.8 * text.length;
}

function isBase64(unit: number): boolean {
  return isAlphanumeric(unit) || unit === 43 || unit === 47 || unit === 45 || unit === 95 || unit === 61;
}

function isHexDigit(unit: number): boolean {
  const lower = unit | 32;
  return isDigit(unit) || (lower >= 97 && lower <= 102);
}
