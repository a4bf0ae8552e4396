import { isDigit } from "../../text/characters.js";
import { passesLuhn } from "./card.js";
import { createContext, tokens } from "./context.js";
import { type Finding, structureScore } from "./finding.js";
import { type NumberRun, numberRuns, standsAlone } from "./numbers.js";

/** A national number of digits. Without `pattern` any grouping does. */
interface DigitFormat {
  readonly length: number;
  readonly passes: (digits: string) => boolean;
  /** How it is grouped, such as `3 3 3`, and by which separators. */
  readonly groups?: string;
  readonly separators?: string;
  /** Words of which one must stand before it. */
  readonly named?: (text: string, at: number) => boolean;
}

const reach = 40;
const formats: readonly DigitFormat[] = [
  { length: 11, passes: isCpf, groups: "3 3 3 2", separators: ".-" },
  { length: 12, passes: isAadhaar, groups: "4 4 4", separators: " -" },
  {
    length: 9,
    passes: passesLuhn,
    groups: "3 3 3",
    named: createContext("sin|social insurance|insurance number", reach),
  },
  { length: 10, passes: isPersonnummer, groups: "6 4", separators: "-+" },
  { length: 11, passes: isPesel, named: createContext("pesel", reach) },
  { length: 9, passes: isBsn, named: createContext("bsn|burgerservicenummer|citizen service number", reach) },
  {
    length: 11,
    passes: isSteuerId,
    named: createContext("steuer-id|tax id|steuer|tax number|identifikationsnummer", reach),
  },
  {
    length: 15,
    passes: isInsee,
    named: createContext("insee|nir|social security|sécurité sociale|securite sociale", reach),
  },
  { length: 10, passes: isNhs, named: createContext("nhs|nhs number", reach) },
];
const isPassport = createContext(
  "passport|passport number|driver's license|driver license|driving licence|licence number|license number|driver's licence",
  reach,
);

/** Finds numbers that states give to people, by checksum and grouping, by their form, or by what the text calls them. */
export function findNationalIds(text: string): Finding<"national_id">[] {
  const byDigits = numberRuns(text).flatMap((run) => digitId(text, run));
  return [...byDigits, ...lettered(text)];
}

function digitId(text: string, run: NumberRun): Finding<"national_id">[] {
  if (!standsAlone(text, run)) return [];
  const format = formats.find(
    (one) =>
      one.length === run.digits.length &&
      (one.groups === undefined || groupsOf(text, run) === one.groups) &&
      (one.separators === undefined || hasOnly(text, run, one.separators)) &&
      (one.named === undefined || one.named(text, run.start)) &&
      one.passes(run.digits),
  );
  return format ? [{ type: "national_id", span: { start: run.start, end: run.end }, score: 1 }] : [];
}

function groupsOf(text: string, { start, end }: NumberRun): string {
  return text
    .slice(start, end)
    .split(/[^0-9]/)
    .filter((group) => group !== "")
    .map((group) => group.length)
    .join(" ");
}

function hasOnly(text: string, { start, end }: NumberRun, separators: string): boolean {
  return [...text.slice(start, end)].every(
    (unit) => isDigit(unit.charCodeAt(0)) || separators.includes(unit),
  );
}

function lettered(text: string): Finding<"national_id">[] {
  const found: Finding<"national_id">[] = [];
  for (const { start, end, run } of tokens(text, "")) {
    const plain = run.toUpperCase();
    const checked = isDni(plain) || isCodiceFiscale(plain);
    const formed = isNino(run) || (isNumbered(run) && isPassport(text, start));
    if (checked || formed)
      found.push({ type: "national_id", span: { start, end }, score: checked ? 1 : structureScore });
  }
  return found;
}

/** Six to fourteen letters and digits, most of them digits. */
function isNumbered(run: string): boolean {
  const digits = [...run].filter((unit) => unit >= "0" && unit <= "9").length;
  return run.length >= 6 && run.length <= 14 && digits >= 5;
}

/** United Kingdom: two letters, six digits, one letter A to D; some letters are never given. */
function isNino(run: string): boolean {
  return /^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]$/.test(run);
}

/** Spain: eight digits, or X, Y or Z and seven, and the letter of the remainder modulo 23. */
function isDni(run: string): boolean {
  if (!/^[0-9XYZ][0-9]{7}[A-Z]$/.test(run)) return false;
  const first = "XYZ".indexOf(run[0] as string);
  const number = Number((first >= 0 ? String(first) : (run[0] as string)) + run.slice(1, 8));
  return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] === run[8];
}

const oddValues = [
  1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

/** Italy: sixteen letters and digits, the last a check letter (decree of 23 December 1976). */
function isCodiceFiscale(run: string): boolean {
  if (!/^[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]$/.test(run)) return false;
  const sum = [...run.slice(0, 15)].reduce((total, unit, at) => {
    const code = unit.charCodeAt(0);
    const value = code >= 65 ? code - 65 : code - 48;
    return total + (at % 2 === 0 ? (oddValues[value] as number) : value);
  }, 0);
  return String.fromCharCode(65 + (sum % 26)) === run[15];
}

function weighted(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * Number(digits[at]), 0);
}

/** Brazil: two check digits modulo 11. */
function isCpf(digits: string): boolean {
  const check = (count: number) => {
    const sum = weighted(
      digits,
      Array.from({ length: count }, (_, at) => count + 1 - at),
    );
    return ((10 * sum) % 11) % 10;
  };
  return new Set(digits).size > 1 && check(9) === Number(digits[9]) && check(10) === Number(digits[10]);
}

/** Poland: weights 1, 3, 7, 9. */
function isPesel(digits: string): boolean {
  return (10 - (weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === Number(digits[10]);
}

/** Netherlands: weights 9 to 2 and -1, divisible by 11. */
function isBsn(digits: string): boolean {
  return weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0;
}

/** United Kingdom's health service: weights 10 to 2, modulo 11. */
function isNhs(digits: string): boolean {
  return (11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === Number(digits[9]);
}

/** Germany: iterated remainders modulo 11 and 10 (ISO 7064). */
function isSteuerId(digits: string): boolean {
  let product = 10;
  for (const digit of digits.slice(0, 10)) {
    const sum = (Number(digit) + product) % 10 || 10;
    product = (2 * sum) % 11;
  }
  return digits[0] !== "0" && (11 - product) % 10 === Number(digits[10]);
}

/** France: 97 minus the remainder modulo 97. */
function isInsee(digits: string): boolean {
  return 97 - (Number(digits.slice(0, 13)) % 97) === Number(digits.slice(13));
}

/** Sweden: a date and a Luhn checksum. */
function isPersonnummer(digits: string): boolean {
  const month = Number(digits.slice(2, 4));
  const day = Number(digits.slice(4, 6));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && passesLuhn(digits);
}

/** The dihedral group of order ten, by which Verhoeff's checksum (1969) multiplies. */
function timesInD5(a: number, b: number): number {
  if (a < 5) return b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5);
  return b < 5 ? 5 + ((a - b + 10) % 5) : (a - b + 5) % 5;
}

const permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/** India: Verhoeff's checksum; never begins with 0 or 1. */
function isAadhaar(digits: string): boolean {
  let check = 0;
  [...digits].reverse().forEach((digit, place) => {
    let value = Number(digit);
    for (let turn = 0; turn < place % 8; turn++) value = permutation[value] as number;
    check = timesInD5(check, value);
  });
  return (digits[0] as string) >= "2" && check === 0;
}
