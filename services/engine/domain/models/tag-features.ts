import { isAsciiLetter, isDigit, isLetter, isMark, isSpace } from "../text/characters.js";
import { type FrequencyTable, inverseFrequencyOf } from "./frequency.js";
import { hashPair, hashText } from "./hash.js";

/** Bits of a bucket of the tagger. */
export const tagBits = 15;
const mask = (1 << tagBits) - 1;

/** A word, a number or a sign with its place. */
export interface TagToken {
  readonly start: number;
  readonly end: number;
  readonly word: number;
  readonly shape: number;
  readonly prefix: number;
  readonly suffix: number;
  /** How common the word is, in a few steps. */
  readonly common: number;
}

/** Features of a token: its own, its neighbours', and pairs of them. */
export const tagFeatureCount = 21;

const outside: TagToken = { start: 0, end: 0, word: 7, shape: 7, prefix: 7, suffix: 7, common: 7 };
const affix = 3;
const bitsPerStep = 3;

/** Splits a text into words, numbers and signs; a line end is a sign. */
export function tagTokens(text: string, frequency: FrequencyTable): TagToken[] {
  const tokens: TagToken[] = [];
  for (let at = 0; at < text.length; ) {
    const unit = text.charCodeAt(at);
    if (unit !== 10 && isSpace(unit)) {
      at++;
      continue;
    }
    const end = tokenEnd(text, at);
    tokens.push(describe(text, at, end, frequency));
    at = end;
  }
  return tokens;
}

function tokenEnd(text: string, at: number): number {
  const code = text.codePointAt(at) ?? 0;
  const belongs = isDigit(code) ? isDigit : isLetter(code) ? isWordPoint : undefined;
  if (!belongs) return at + (code > 0xffff ? 2 : 1);
  let end = at;
  while (end < text.length && belongs(text.codePointAt(end) ?? 0))
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  return end;
}

function isWordPoint(code: number): boolean {
  return isLetter(code) || isMark(code);
}

function describe(text: string, start: number, end: number, frequency: FrequencyTable): TagToken {
  const written = text.slice(start, end);
  const lower = written.toLowerCase();
  const first = lower.charCodeAt(0);
  const isWord = isAsciiLetter(first) || first >= 128;
  return {
    start,
    end,
    word: isDigit(first) ? 11 : hashText(lower),
    shape: shapeOf(written),
    prefix: hashText(lower.slice(0, affix)),
    suffix: hashText(lower.slice(-affix)),
    common: isWord ? Math.floor(inverseFrequencyOf(frequency, lower) / bitsPerStep) : 9,
  };
}

/** 1 small letters, 2 a capital first, 3 capitals, 4 one capital, 5 mixed, 20 and up digits by count, else the sign. */
function shapeOf(written: string): number {
  const first = written.charCodeAt(0);
  if (isDigit(first)) return 20 + Math.min(8, written.length);
  const lower = written.toLowerCase();
  const upper = written.toUpperCase();
  if (lower === upper) return 100 + (first & 127);
  if (written === lower) return 1;
  if (written.length === 1) return 4;
  if (written === upper) return 3;
  return written.slice(1) === lower.slice(1) ? 2 : 5;
}

/** Writes the buckets of a token's features, `tagFeatureCount` of them. */
export function tagFeatures(tokens: readonly TagToken[], at: number, into: Uint16Array, from = 0): void {
  const token = tokens[at] as TagToken;
  const before = tokens[at - 1] ?? outside;
  const earlier = tokens[at - 2] ?? outside;
  const after = tokens[at + 1] ?? outside;
  const later = tokens[at + 2] ?? outside;
  const own = hashPair(token.shape, token.common);
  const values = [
    token.word,
    token.shape,
    token.prefix,
    token.suffix,
    own,
    hashPair(own, before.word),
    hashPair(own, after.word),
    before.word,
    after.word,
    earlier.word,
    later.word,
    before.shape,
    after.shape,
    hashPair(before.shape, hashPair(token.shape, after.shape)),
    hashPair(before.word, earlier.word),
    hashPair(after.word, later.word),
    hashPair(hashPair(before.shape, before.common), own),
    hashPair(own, hashPair(after.shape, after.common)),
    hashPair(earlier.shape, hashPair(before.shape, token.shape)),
    hashPair(token.shape, hashPair(after.shape, later.shape)),
    hashPair(before.suffix, token.shape),
  ];
  for (let place = 0; place < values.length; place++)
    into[from + place] = hashPair(place + 1, values[place] as number) & mask;
}
