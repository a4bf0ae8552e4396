import { endOfRun, isAsciiLetter, isDigit } from "../../text/characters.js";
import { createContext } from "./context.js";
import { type Finding, structureScore } from "./finding.js";

const isOfBirth = createContext("born|birth|dob|d.o.b|birthday|birthdate|date of birth|geboren|b.", 28);
const months = new Set("jan feb mar apr may jun jul aug sep oct nov dec".split(" "));

/** Finds dates of birth: a date with day, month and year shortly behind a word of birth. */
export function findDatesOfBirth(text: string): Finding<"date_of_birth">[] {
  const found: Finding<"date_of_birth">[] = [];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const before = text.charCodeAt(at - 1);
    if (!(isDigit(unit) || isAsciiLetter(unit)) || isDigit(before) || isAsciiLetter(before)) continue;
    const end = dateEnd(text, at);
    if (end === undefined || !isOfBirth(text, at)) continue;
    found.push({ type: "date_of_birth", span: { start: at, end }, score: structureScore });
    at = end;
  }
  return found;
}

/** End of a date of three parts that begins at `at`: numbers, or one of them the name of a month. */
function dateEnd(text: string, at: number): number | undefined {
  const parts: string[] = [];
  let end = at;
  for (let place = at; parts.length < 3; ) {
    const stop = isDigit(text.charCodeAt(place))
      ? endOfRun(text, place, isDigit)
      : endOfRun(text, place, isAsciiLetter);
    if (stop === place || stop - place > 9) return undefined;
    const part = text.slice(place, stop).toLowerCase();
    if (isAsciiLetter(part.charCodeAt(0)) && !months.has(part.slice(0, 3))) return undefined;
    parts.push(part);
    end = stop;
    place = separatorEnd(text, isDigit(text.charCodeAt(stop - 1)) ? ordinalEnd(text, stop) : stop);
  }
  return isDate(parts) && !isDigit(text.charCodeAt(end)) ? end : undefined;
}

function ordinalEnd(text: string, at: number): number {
  return ["st", "nd", "rd", "th"].includes(text.slice(at, at + 2)) ? at + 2 : at;
}

function separatorEnd(text: string, at: number): number {
  let end = at;
  while (end < at + 2 && " -./,".includes(text[end] ?? "?")) end++;
  return text.startsWith("of ", end) ? end + 3 : end;
}

function isDate(parts: readonly string[]): boolean {
  const named = parts.filter((part) => months.has(part.slice(0, 3)) && !isDigit(part.charCodeAt(0)));
  const numbers = parts.map(Number).filter(Number.isInteger);
  if (named.length + numbers.length !== 3 || named.length > 1) return false;
  const years = numbers.filter((number) => number >= 1900 && number <= 2100);
  const small = numbers.filter((number) => number >= 1 && number <= 31);
  return years.length === 1 ? small.length === 2 - named.length : named.length === 0 && isShort(numbers);
}

/** Day and month in either order, and two digits of a year. */
function isShort(numbers: readonly number[]): boolean {
  const [first = 0, second = 0, year = 0] = numbers;
  return (
    first >= 1 && second >= 1 && Math.min(first, second) <= 12 && Math.max(first, second) <= 31 && year <= 99
  );
}
