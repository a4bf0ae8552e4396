import { isAlphanumeric, isDigit } from "../../text/characters.js";
import type { TextSpan } from "../../text/normalise.js";

/** Digits written as one number, with single separators between groups. */
export interface NumberRun extends TextSpan {
  readonly digits: string;
  /** Index in the text of each digit. */
  readonly places: readonly number[];
}

const separators = " -.()/";

/**
 * Finds runs of digits, `separators` allowed between them, that no letter or
 * digit touches. A run may join two numbers that stand side by side.
 */
export function numberRuns(text: string): NumberRun[] {
  const runs: NumberRun[] = [];
  for (let at = 0; at < text.length; at++) {
    if (!isDigit(text.charCodeAt(at)) || isAlphanumeric(text.charCodeAt(at - 1))) continue;
    const run = readRun(text, at);
    if (!isAlphanumeric(text.charCodeAt(run.end)) || isExtension(text, run.end)) runs.push(run);
    at = run.end - 1;
  }
  return runs;
}

/** An `x` between two digits, as before the extension of a telephone number. */
function isExtension(text: string, at: number): boolean {
  return text[at] === "x" && isDigit(text.charCodeAt(at + 1));
}

function readRun(text: string, start: number): NumberRun {
  const places: number[] = [];
  let end = start;
  for (let at = start; at < text.length && at - end <= 2; at++) {
    if (isDigit(text.charCodeAt(at))) {
      places.push(at);
      end = at + 1;
    } else if (!separators.includes(text[at] as string)) {
      break;
    }
  }
  return { start, end, places, digits: places.map((place) => text[place]).join("") };
}

/** Whether nothing that would make it part of a longer word or number touches the span. */
export function standsAlone(text: string, { start, end }: TextSpan): boolean {
  return !isAlphanumeric(text.charCodeAt(start - 1)) && !isAlphanumeric(text.charCodeAt(end));
}
