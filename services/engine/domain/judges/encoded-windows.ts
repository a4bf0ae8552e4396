import { endOfRun, isAlphanumeric, isDigit } from "../text/characters.js";
import type { TextSpan } from "../text/normalise.js";

/** A stretch of a text that decodes to readable text. */
export interface EncodedWindow {
  readonly span: TextSpan;
  readonly decoded: string;
}

/** Shorter runs are words and numbers far more often than hidden text. */
const shortestRun = 20;
const mostWindows = 16;

/** Finds runs of base64 (RFC 4648, either alphabet) and hexadecimal digits that decode to readable text. */
export function encodedWindows(text: string): EncodedWindow[] {
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
