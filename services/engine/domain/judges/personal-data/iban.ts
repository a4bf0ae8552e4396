import { endOfRun, isAlphanumeric, isAsciiLetter, isDigit } from "../../text/characters.js";
import type { Finding } from "./finding.js";

/** Length by country, from the IBAN registry (ISO 13616). */
const lengths: Readonly<Record<string, number>> = {
  AD: 24,
  AE: 23,
  AL: 28,
  AT: 20,
  AZ: 28,
  BA: 20,
  BE: 16,
  BG: 22,
  BH: 22,
  BR: 29,
  BY: 28,
  CH: 21,
  CR: 22,
  CY: 28,
  CZ: 24,
  DE: 22,
  DK: 18,
  DO: 28,
  EE: 20,
  EG: 29,
  ES: 24,
  FI: 18,
  FO: 18,
  FR: 27,
  GB: 22,
  GE: 22,
  GI: 23,
  GL: 18,
  GR: 27,
  GT: 28,
  HR: 21,
  HU: 28,
  IE: 22,
  IL: 23,
  IQ: 23,
  IS: 26,
  IT: 27,
  JO: 30,
  KW: 30,
  KZ: 20,
  LB: 28,
  LC: 32,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  LY: 25,
  MC: 27,
  MD: 24,
  ME: 22,
  MK: 19,
  MR: 27,
  MT: 31,
  MU: 30,
  NL: 18,
  NO: 15,
  PK: 24,
  PL: 28,
  PS: 29,
  PT: 25,
  QA: 29,
  RO: 24,
  RS: 22,
  SA: 24,
  SC: 31,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  ST: 25,
  SV: 28,
  TL: 23,
  TN: 24,
  TR: 26,
  UA: 29,
  VA: 22,
  VG: 24,
  XK: 20,
};

/** Finds international bank account numbers: country, its length and the checksum modulo 97 (ISO 7064). */
export function findIbans(text: string): Finding<"iban">[] {
  const found: Finding<"iban">[] = [];
  for (let at = 0; at < text.length; at++) {
    const end = ibanEnd(text, at);
    if (end < 0) continue;
    found.push({ type: "iban", span: { start: at, end }, score: 1 });
    at = end - 1;
  }
  return found;
}

/** End of the number that begins at `at`, or -1. Groups may be separated by single blanks or hyphens. */
function ibanEnd(text: string, at: number): number {
  if (!isAsciiLetter(text.charCodeAt(at)) || !isAsciiLetter(text.charCodeAt(at + 1))) return -1;
  if (!isDigit(text.charCodeAt(at + 2)) || isAlphanumeric(text.charCodeAt(at - 1))) return -1;
  const length = lengths[text.slice(at, at + 2).toUpperCase()];
  if (length === undefined) return -1;
  let compact = "";
  let end = at;
  while (compact.length < length && end < text.length) {
    const unit = text[end] as string;
    if (isAlphanumeric(unit.charCodeAt(0))) compact += unit;
    else if ((unit !== " " && unit !== "-") || !isAlphanumeric(text.charCodeAt(end + 1))) return -1;
    end++;
  }
  const whole = compact.length === length && endOfRun(text, end, isAlphanumeric) === end;
  return whole && passesMod97(compact.toUpperCase()) ? end : -1;
}

function passesMod97(iban: string): boolean {
  let remainder = 0;
  for (const unit of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(unit, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}
