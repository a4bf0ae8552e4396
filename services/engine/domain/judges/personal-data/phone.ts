import { type CountryCode, parsePhoneNumberFromString } from "libphonenumber-js/min";
import { isAlphanumeric, isAsciiLetter, isDigit } from "../../text/characters.js";
import type { TextSpan } from "../../text/normalise.js";
import { createContext } from "./context.js";
import { type Finding, structureScore } from "./finding.js";
import { type NumberRun, numberRuns } from "./numbers.js";

const isCalled = createContext(
  "phone|telephone|tel|mobile|cell|cellphone|call|calling|called|fax|whatsapp|sms|text|dial|ring|contact|reach|desk|office|answering at|phone number|messages to|number is|my number|number|home|work",
  28,
);
const isOther = createContext(
  "order|invoice|account|ticket|tracking|serial|case|card|reference|isbn|version|id|flight|model|sku|booking|policy|room|page|license|licence|zip|zip code|postal code|postcode|ssn",
  20,
);
const isCalledBehind = ["office", "fax", "mobile", "desk", "cell", "home", "phone", "work"];
/** Where national forms are looked up, the most callers first. */
const countries: readonly CountryCode[] = [
  "US",
  "GB",
  "DE",
  "FR",
  "IT",
  "ES",
  "BE",
  "NL",
  "PL",
  "AU",
  "CH",
  "AT",
  "SE",
  "NO",
  "DK",
  "FI",
  "CZ",
  "HU",
  "IE",
  "PT",
  "BR",
  "IN",
  "NZ",
  "CY",
];

/**
 * Finds telephone numbers by the numbering plans of libphonenumber:
 * international ones (ITU-T E.164); national ones of some countries that are
 * grouped as numbers to call are, or that the text calls so. Plain digits
 * without either are left, as they are mostly amounts and identifiers.
 */
export function findPhones(text: string): Finding<"phone">[] {
  return numberRuns(text).flatMap((run) => {
    const span = internationalSpan(text, run) ?? nationalSpan(text, run);
    if (!span) return [];
    return [
      {
        type: "phone" as const,
        span: { start: span.start, end: extensionEnd(text, span.end) },
        score: structureScore,
      },
    ];
  });
}

function internationalSpan(text: string, run: NumberRun): TextSpan | undefined {
  const open = text[run.start - 1] === "(" ? run.start - 1 : run.start;
  const hasPlus = text[open - 1] === "+";
  if (hasPlus && isAsciiLetter(text.charCodeAt(open - 2))) return undefined;
  const plain = hasPlus ? `+${run.digits}` : run.digits.startsWith("00") ? `+${run.digits.slice(2)}` : "";
  if (plain === "" || run.digits.length < 8 || run.digits.length > 17) return undefined;
  const parsed = parsePhoneNumberFromString(plain.replace(/^(\+46|\+44|\+49|\+43|\+41|\+358)0/, "$1"));
  if (!parsed?.isPossible() && !hasPlus) return undefined;
  if (run.digits[0] === "0" && hasPlus) return undefined;
  return { start: hasPlus ? open - 1 : run.start, end: run.end };
}

function nationalSpan(text: string, run: NumberRun): TextSpan | undefined {
  const size = run.digits.length;
  if (size < 7 || size > 12 || isDigit(text.charCodeAt(run.start - 1))) return undefined;
  const open =
    text[run.start - 1] === "(" && text.indexOf(")", run.start) < run.end ? run.start - 1 : run.start;
  const span = { start: open, end: run.end };
  const written = text.slice(span.start, span.end);
  const groups = written.split(/[^0-9]+/).filter((group) => group !== "");
  if (text[run.end] === ":" && isDigit(text.charCodeAt(run.end + 1))) return undefined;
  if (
    isDate(groups, written) ||
    isYears(groups) ||
    written.includes("/") ||
    isAlphanumeric(text.charCodeAt(open - 1))
  )
    return undefined;
  if (isNorthAmerican(groups, run.digits)) return span;
  const called = (isCalled(text, open) || isNamedBehind(text, run.end)) && !isOther(text, open);
  if (called && (groups.length > 1 || size >= 8)) return isPlausible(run.digits, groups) ? span : undefined;
  const grouped = groups.length >= 2 && (open < run.start || written.includes("-") || run.digits[0] === "0");
  if (!grouped || isOther(text, open) || written.includes(".")) return undefined;
  // What has the shape of a US number and is none, or of a social security number, is no number to call.
  if (["3 3 4", "3 2 4"].includes(groups.map(({ length }) => length).join(" "))) return undefined;
  const known = open < run.start ? size >= 8 : size >= 8 && isValidSomewhere(run.digits);
  return known && isEven(groups) ? span : undefined;
}

/** Groups of 3, 3 and 4, a leading 1 aside, whose area and exchange begin with 2 to 9. */
function isNorthAmerican(groups: readonly string[], digits: string): boolean {
  const number = digits.length === 11 && digits[0] === "1" ? digits.slice(1) : digits;
  const sizes = groups.map(({ length }) => length).join(" ");
  return (
    number.length === 10 &&
    (number[0] as string) >= "2" &&
    (number[3] as string) >= "2" &&
    (sizes === "3 3 4" || sizes === "1 3 3 4")
  );
}

/** Three groups that read as a year, a month and a day in some order. */
function isDate(groups: readonly string[], written: string): boolean {
  if (groups.length !== 3 || written.includes("(")) return false;
  const sizes = groups.map(({ length }) => length).join(" ");
  return (
    sizes === "4 2 2" || sizes === "2 2 4" || sizes === "1 2 4" || sizes === "2 1 4" || sizes === "1 1 4"
  );
}

/** From one year to another. */
function isYears(groups: readonly string[]): boolean {
  return groups.length === 2 && groups.every((group) => group.length === 4 && /^(?:1[5-9]|20)/.test(group));
}

/** Whether the text says behind the number which kind it is. */
function isNamedBehind(text: string, end: number): boolean {
  const behind = text.slice(end, end + 10).toLowerCase();
  const word = behind.startsWith(" ") || behind.startsWith("-") ? behind.slice(1) : behind;
  return isCalledBehind.some((name) => word.startsWith(name));
}

/** Thousands are grouped by three as well; a number to call begins with 0 or has another group. */
function isPlausible(digits: string, groups: readonly string[]): boolean {
  return groups.every(({ length }) => length <= 12) && new Set(digits).size > 1;
}

/** Groups of two to five digits, as numbers to call have. */
function isEven(groups: readonly string[]): boolean {
  return groups.every(({ length }) => length >= 2 && length <= 6);
}

function isValidSomewhere(digits: string): boolean {
  return countries.some((country) => parsePhoneNumberFromString(digits, country)?.isValid() ?? false);
}

/** An extension such as `x769` or `ext. 12` belongs to the number. */
function extensionEnd(text: string, end: number): number {
  let at = end;
  while (text[at] === " ") at++;
  const mark = ["ext.", "ext", "x"].find((one) => text.startsWith(one, at));
  if (mark === undefined) return end;
  at += mark.length;
  while (text[at] === " ") at++;
  let stop = at;
  while (isDigit(text.charCodeAt(stop)) && stop - at < 7) stop++;
  return stop > at && !isAlphanumeric(text.charCodeAt(stop)) ? stop : end;
}
