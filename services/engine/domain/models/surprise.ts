import { hashPair } from "./hash.js";
import { hashWord, wordEnd, wordStart } from "./word-hash.js";

/** Bits of a bucket of the table of what ordinary text holds. */
export const surpriseBits = 20;
const mask = (1 << surpriseBits) - 1;

/** Words of one window, and by how many windows are apart. */
const windowWords = 16;
const stride = 4;
/** Shorter texts hold too little to be called noise. */
const fewestWords = 10;

/** What is looked at in a window. */
export const surpriseFeatures = [
  "unseen words",
  "unseen pairs",
  "little words",
  "signs",
  "inner capitals",
  "glued signs",
  "unseen pairs and signs",
] as const;

/** A set of hashes as bits: those of ordinary words and of their neighbours. */
export type SeenTable = Uint8Array;

/** An empty table. */
export function createSeenTable(): SeenTable {
  return new Uint8Array(1 << (surpriseBits - 3));
}

/** Notes the words and pairs of an ordinary folded text. */
export function noteSeen(text: string, table: SeenTable): void {
  let before = 1;
  for (let at = wordStart(text, 0, text.length); at < text.length; ) {
    const stop = wordEnd(text, at, text.length);
    const word = hashWord(text, at, stop);
    setBit(table, word);
    setBit(table, hashPair(before, word));
    before = word;
    at = wordStart(text, stop, text.length);
  }
}

const little = new Set(
  "the a an of to in and or is are was be it that this for on with as at by from i you he she we they my your not do can what how me if so but have has"
    .split(" ")
    .map((word) => hashWord(word, 0, word.length)),
);

/** Reads windows of words of a text in its own case, beside the same text folded to lower case. */
export type SurpriseReader = (text: string, eachWindow: (features: Float64Array) => void) => void;

/**
 * Makes a reader that describes each window of words by how unlike ordinary
 * text it is: words and pairs that ordinary text does not hold, few little
 * words, many signs, capitals inside words, signs glued to each other.
 * Optimised suffixes (Zou et al. 2023) are built of such windows. Reads ASCII
 * case, so that the text needs no offsets.
 */
export function createSurpriseReader(table: SeenTable): SurpriseReader {
  const features = new Float64Array(surpriseFeatures.length);
  return (text, eachWindow) => {
    const flags = wordFlags(text, table);
    if (flags.length < fewestWords) return;
    const last = Math.max(0, flags.length - windowWords);
    for (let from = 0; from < last + stride; from += stride) {
      const start = Math.min(from, last);
      describe(flags, start, Math.min(flags.length, start + windowWords), features);
      eachWindow(features);
    }
  };
}

const isNewWord = 1;
const isNewPair = 2;
const isLittle = 4;
const isSign = 8;
const hasInnerCapital = 16;
const isGlued = 32;

function wordFlags(text: string, table: SeenTable): number[] {
  const folded = text.toLowerCase();
  const flags: number[] = [];
  let before = 1;
  for (let at = wordStart(folded, 0, folded.length); at < folded.length; ) {
    const address = addressEnd(folded, at);
    if (address > at) {
      at = wordStart(folded, address, folded.length);
      continue;
    }
    const stop = wordEnd(folded, at, folded.length);
    const word = hashWord(folded, at, stop);
    const sign = isSignUnit(folded.charCodeAt(at));
    flags.push(
      (hasBit(table, word) ? 0 : isNewWord) |
        (hasBit(table, hashPair(before, word)) ? 0 : isNewPair) |
        (little.has(word) ? isLittle : 0) |
        (sign ? isSign : 0) |
        (!sign && changesCase(text, at, stop) ? hasInnerCapital : 0) |
        (sign && isSignUnit(folded.charCodeAt(at - 1)) ? isGlued : 0),
    );
    before = word;
    at = wordStart(folded, stop, folded.length);
  }
  return flags;
}

/** End of a web address, a handle, a tag or a character reference that begins at `at`, which are nobody's words; `at` when none does. */
function addressEnd(folded: string, at: number): number {
  const unit = folded[at];
  const begins =
    unit === "@" || unit === "#" || unit === "&"
      ? isLetterAt(folded, at + 1) || folded[at + 1] === "#"
      : false;
  if (!begins && !folded.startsWith("http://", at) && !folded.startsWith("https://", at)) return at;
  let end = at + 1;
  while (end < folded.length && folded.charCodeAt(end) > 32) end++;
  return end;
}

function isLetterAt(folded: string, at: number): boolean {
  const unit = folded.charCodeAt(at);
  return unit >= 97 && unit <= 122;
}

function describe(flags: readonly number[], from: number, to: number, into: Float64Array): void {
  const share = (flag: number) => {
    let count = 0;
    for (let at = from; at < to; at++) count += Number(((flags[at] as number) & flag) !== 0);
    return count / (to - from);
  };
  into[0] = share(isNewWord);
  into[1] = share(isNewPair);
  into[2] = share(isLittle);
  into[3] = share(isSign);
  into[4] = share(hasInnerCapital);
  into[5] = share(isGlued);
  into[6] = (into[1] as number) * (into[3] as number);
}

/** A capital behind a small letter. */
function changesCase(text: string, start: number, end: number): boolean {
  for (let at = start + 1; at < end; at++) {
    const unit = text.charCodeAt(at);
    const earlier = text.charCodeAt(at - 1);
    if (unit >= 65 && unit <= 90 && earlier >= 97 && earlier <= 122) return true;
  }
  return false;
}

/** ASCII that is neither letter, digit, apostrophe nor blank. */
function isSignUnit(unit: number): boolean {
  return (
    unit > 32 &&
    unit < 127 &&
    unit !== 39 &&
    !(unit >= 48 && unit <= 57) &&
    !(unit >= 97 && unit <= 122) &&
    !(unit >= 65 && unit <= 90)
  );
}

function setBit(table: SeenTable, hash: number): void {
  const bit = hash & mask;
  table[bit >> 3] = (table[bit >> 3] as number) | (1 << (bit & 7));
}

function hasBit(table: SeenTable, hash: number): boolean {
  const bit = hash & mask;
  return (((table[bit >> 3] as number) >> (bit & 7)) & 1) === 1;
}
