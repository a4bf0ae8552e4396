import { isAsciiLetter, isDigit } from "../../text/characters.js";
import { type Finding, structureScore } from "./finding.js";
import { type NumberRun, numberRuns } from "./numbers.js";

/**
 * Finds telephone numbers: international ones (`+`, 8 to 15 digits, ITU-T
 * E.164) and North American ones in groups of 3, 3 and 4, whose area and
 * exchange begin with 2 to 9. Plain digits without grouping are left, as they
 * are mostly amounts and identifiers.
 */
export function findPhones(text: string): Finding[] {
  return numberRuns(text).flatMap((run) => {
    const span = internationalSpan(text, run) ?? northAmericanSpan(text, run);
    return span ? [{ type: "phone" as const, span, score: structureScore }] : [];
  });
}

function internationalSpan(text: string, run: NumberRun) {
  if (text[run.start - 1] !== "+" || isAsciiLetter(text.charCodeAt(run.start - 2))) return undefined;
  const size = run.digits.length;
  if (size < 8 || size > 15 || run.digits[0] === "0") return undefined;
  return { start: run.start - 1, end: run.end };
}

function northAmericanSpan(text: string, run: NumberRun) {
  const skip = run.digits.length === 11 && run.digits[0] === "1" ? 1 : 0;
  const number = run.digits.slice(skip);
  if (number.length !== 10 || (number[0] as string) < "2" || (number[3] as string) < "2") return undefined;
  const places = run.places.slice(skip);
  if (!isGap(text, places, 2) || !isGap(text, places, 5) || !hasNoOtherGap(places)) return undefined;
  const open = text[(places[0] as number) - 1] === "(" ? (places[0] as number) - 1 : run.start;
  const start = skip === 1 ? run.start : open;
  return isDigit(text.charCodeAt(start - 1)) ? undefined : { start, end: run.end };
}

/** Whether something stands between a digit and the next. */
function isGap(text: string, places: readonly number[], at: number): boolean {
  const between = text.slice((places[at] as number) + 1, places[at + 1]);
  return between !== "" && between !== "/";
}

function hasNoOtherGap(places: readonly number[]): boolean {
  return places.every(
    (place, at) => at === 0 || at === 3 || at === 6 || place === (places[at - 1] as number) + 1,
  );
}
