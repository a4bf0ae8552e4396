import { createContext } from "./context.js";
import type { Finding } from "./finding.js";
import { type NumberRun, numberRuns, standsAlone } from "./numbers.js";

interface Issuer {
  /** Prefixes as ranges of equal length. */
  readonly prefixes: readonly (readonly [from: string, to: string])[];
  readonly lengths: readonly number[];
}

/** Issuer prefixes and number lengths after ISO/IEC 7812. */
const issuers: readonly Issuer[] = [
  { prefixes: [["4", "4"]], lengths: [13, 16, 19] },
  {
    prefixes: [
      ["51", "55"],
      ["2221", "2720"],
    ],
    lengths: [16],
  },
  {
    prefixes: [
      ["34", "34"],
      ["37", "37"],
    ],
    lengths: [15],
  },
  {
    prefixes: [
      ["6011", "6011"],
      ["644", "649"],
      ["65", "65"],
    ],
    lengths: [16, 19],
  },
  { prefixes: [["3528", "3589"]], lengths: [16] },
  {
    prefixes: [
      ["2131", "2131"],
      ["1800", "1800"],
    ],
    lengths: [15],
  },
  {
    prefixes: [
      ["300", "305"],
      ["36", "36"],
      ["38", "39"],
    ],
    lengths: [14],
  },
  { prefixes: [["62", "62"]], lengths: [16, 17, 18, 19] },
  {
    prefixes: [
      ["50", "50"],
      ["56", "58"],
      ["6304", "6304"],
      ["67", "67"],
    ],
    lengths: [12, 13, 14, 15, 16, 17, 18, 19],
  },
];

const isNamed = createContext(
  "card|credit card|debit card|card number|cc|visa|mastercard|amex|maestro|jcb",
  40,
);

const lengths = [19, 18, 17, 16, 15, 14, 13, 12];

/** Finds payment card numbers: an issuer's prefix and length, and the Luhn checksum (ISO/IEC 7812-1 annex B). */
export function findCards(text: string): Finding<"card">[] {
  return numberRuns(text).flatMap((run) => cardsIn(text, run));
}

function cardsIn(text: string, run: NumberRun): Finding<"card">[] {
  const found: Finding<"card">[] = [];
  for (let from = 0; from + 12 <= run.digits.length; ) {
    const length = lengths.find((size) => isCardAt(text, run, from, size));
    if (length === undefined) {
      from++;
      continue;
    }
    found.push({ type: "card", span: spanOf(run, from, length), score: 1 });
    from += length;
  }
  return found;
}

function isCardAt(text: string, run: NumberRun, from: number, length: number): boolean {
  const digits = run.digits.slice(from, from + length);
  if (digits.length < length || !standsAlone(text, spanOf(run, from, length))) return false;
  if (!passesLuhn(digits) || isOneDigit(digits)) return false;
  return hasIssuer(digits) || (length === run.digits.length && isNamed(text, run.start));
}

function spanOf(run: NumberRun, from: number, length: number) {
  return { start: run.places[from] as number, end: (run.places[from + length - 1] as number) + 1 };
}

function hasIssuer(digits: string): boolean {
  return issuers.some(
    ({ prefixes, lengths }) =>
      lengths.includes(digits.length) &&
      prefixes.some(([from, to]) => digits.slice(0, from.length) >= from && digits.slice(0, to.length) <= to),
  );
}

function isOneDigit(digits: string): boolean {
  return [...digits].every((digit) => digit === digits[0]);
}

/** The Luhn checksum: every second digit from the right doubled, the sum of all digits divisible by ten. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place++) {
    const digit = digits.charCodeAt(digits.length - 1 - place) - 48;
    const doubled = digit * 2;
    sum += place % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
