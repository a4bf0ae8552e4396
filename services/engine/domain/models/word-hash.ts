import { finishHash, hashStart, hashUnit } from "./hash.js";

/** First unit of a word or sign at or after `from`; `end` when only blanks follow. */
export function wordStart(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && text.charCodeAt(at) <= 32) at++;
  return at;
}

/** End of the word, or of the run of one sign, that starts at `from`. */
export function wordEnd(text: string, from: number, end: number): number {
  let at = from + 1;
  if (isWordUnit(text.charCodeAt(from))) {
    while (at < end && (isWordUnit(text.charCodeAt(at)) || joinsLetters(text, at, end))) at++;
  } else {
    while (at < end && text.charCodeAt(at) === text.charCodeAt(from)) at++;
  }
  return at;
}

/** Letters that digits and signs stand for inside a word that has letters too. */
const leet: Readonly<Record<number, number>> = {
  48: 111,
  49: 105,
  51: 101,
  52: 97,
  53: 115,
  55: 116,
  64: 97,
  36: 115,
};

/**
 * Hash of a folded word without apostrophes, with digits for letters undone
 * where letters outnumber them; or of a sign, once or repeated.
 */
export function hashWord(text: string, start: number, end: number): number {
  const first = text.charCodeAt(start);
  if (!isWordUnit(first)) return finishHash(hashUnit(hashUnit(hashStart, first), end - start > 1 ? 2 : 1));
  const undo = hasLeet(text, start, end);
  let hash = hashStart;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit !== 39) hash = hashUnit(hash, undo ? (leet[unit] ?? unit) : unit);
  }
  return finishHash(hash);
}

function hasLeet(text: string, start: number, end: number): boolean {
  let letters = 0;
  let signs = 0;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (isLetter(unit)) letters++;
    else if (unit in leet) signs++;
  }
  return signs > 0 && letters > signs;
}

/** Letters, digits, apostrophes and everything beyond ASCII. */
function isWordUnit(unit: number): boolean {
  return isLetter(unit) || (unit >= 48 && unit <= 57) || unit === 39 || unit >= 128;
}

/** `@` or `$` between two letters. */
function joinsLetters(text: string, at: number, end: number): boolean {
  const unit = text.charCodeAt(at);
  return (
    (unit === 64 || unit === 36) &&
    at + 1 < end &&
    isLetter(text.charCodeAt(at + 1)) &&
    isLetter(text.charCodeAt(at - 1))
  );
}

function isLetter(unit: number): boolean {
  return unit >= 97 && unit <= 122;
}
