import { finishHash, hashPair, hashStart, hashUnit } from "./hash.js";
import { windowEnds } from "./windows.js";
import { classHash, classOf } from "./word-classes.js";
import { hashWord, wordEnd, wordStart } from "./word-hash.js";

/** Bits of a feature's number: words and character n-grams have 2^16 buckets each. */
export const featureBits = 16;
const mask = (1 << featureBits) - 1;

/** Longest text that features are taken from, in UTF-16 units. */
export const longestText = 16_384;

/** Different features of a stretch of text, as bucket numbers in the order seen. */
export interface FeatureRange {
  readonly buckets: Uint16Array;
  readonly start: number;
  readonly end: number;
}

/** Features of one window or of the document. */
export interface FeatureSet {
  readonly words: FeatureRange;
  readonly characters: FeatureRange;
}

/** Features of a text; valid until the next text is read by the same reader. */
export interface TextFeatures {
  readonly windows: readonly FeatureSet[];
  /** Where each window ends in the folded text. */
  readonly ends: readonly number[];
  readonly document: FeatureSet;
}

/** Collects different buckets: a stamp for each bucket tells which set saw it last. */
class BucketList {
  readonly buckets: Uint16Array;
  length = 0;
  readonly #stamps = new Uint32Array(1 << featureBits);
  #stamp = 0;

  constructor(capacity: number) {
    this.buckets = new Uint16Array(capacity);
  }

  open(): void {
    this.#stamp++;
  }

  add(bucket: number): void {
    if (this.#stamps[bucket] === this.#stamp) return;
    this.#stamps[bucket] = this.#stamp;
    this.buckets[this.length++] = bucket;
  }

  range(start: number): FeatureRange {
    return { buckets: this.buckets, start, end: this.length };
  }
}

/**
 * Reads features of folded texts: words, pairs of neighbouring words, and
 * n-grams of 3 to 5 characters within blank-separated chunks, hashed in one
 * pass. A document's features are the union of its windows'. Holds its
 * buffers, so use one per thread.
 */
export class FeatureReader {
  readonly #words = new BucketList(3 * longestText);
  readonly #characters = new BucketList(3 * longestText + 16);
  readonly #allWords = new BucketList(3 * longestText);
  readonly #allCharacters = new BucketList(3 * longestText + 16);

  /** Features of a folded text; what lies behind `longestText` is not read. */
  read(text: string): TextFeatures {
    const folded = text.length > longestText ? text.slice(0, longestText) : text;
    this.#words.length = 0;
    this.#characters.length = 0;
    const windows: FeatureSet[] = [];
    let start = 0;
    const ends = windowEnds(folded);
    for (const end of ends) {
      windows.push(this.#window(folded, start, end));
      start = end;
    }
    return { windows, ends, document: windows.length === 1 && windows[0] ? windows[0] : this.#union() };
  }

  #window(text: string, start: number, end: number): FeatureSet {
    const words = this.#words.length;
    const characters = this.#characters.length;
    this.#words.open();
    this.#characters.open();
    readWords(text, start, end, this.#words);
    readCharacters(text, start, end, this.#characters);
    return { words: this.#words.range(words), characters: this.#characters.range(characters) };
  }

  #union(): FeatureSet {
    return {
      words: union(this.#words, this.#allWords),
      characters: union(this.#characters, this.#allCharacters),
    };
  }
}

function union(from: BucketList, into: BucketList): FeatureRange {
  into.length = 0;
  into.open();
  for (let at = 0; at < from.length; at++) into.add(from.buckets[at] as number);
  return into.range(0);
}

/** How many words may lie between two words whose classes make a pair, plus one. */
const classReach = 8;

/**
 * Words and runs of equal signs, and each pair of neighbours; the start counts
 * as a neighbour. Also the classes of words, and pairs of classes near each other.
 */
function readWords(text: string, start: number, end: number, into: BucketList): void {
  let before = 1;
  let place = 0;
  const near: { place: number; hash: number }[] = [];
  for (let at = wordStart(text, start, end); at < end; place++) {
    const stop = wordEnd(text, at, end);
    const word = hashWord(text, at, stop);
    into.add(word & mask);
    into.add(hashPair(before, word) & mask);
    before = word;
    const wordClass = classOf(word);
    if (wordClass > 0) addClass(classHash(wordClass), place, near, into);
    at = wordStart(text, stop, end);
  }
}

function addClass(
  hash: number,
  place: number,
  near: { place: number; hash: number }[],
  into: BucketList,
): void {
  into.add(hash & mask);
  while ((near[0]?.place ?? place) < place - classReach) near.shift();
  for (const earlier of near) into.add(hashPair(earlier.hash, hash) & mask);
  near.push({ place, hash });
}

/** N-grams of 3, 4 and 5 units of each blank-separated chunk with a blank on either side. */
function readCharacters(text: string, start: number, end: number, into: BucketList): void {
  for (let at = start; at < end; ) {
    if (text.charCodeAt(at) <= 32) {
      at++;
      continue;
    }
    let stop = at + 1;
    while (stop < end && text.charCodeAt(stop) > 32) stop++;
    readChunk(text, at, stop, into);
    at = stop;
  }
}

function readChunk(text: string, start: number, end: number, into: BucketList): void {
  for (let from = start - 1; from + 2 <= end; from++) {
    let hash = hashUnit(hashStart, from < start ? 32 : text.charCodeAt(from));
    hash = hashUnit(hash, text.charCodeAt(from + 1));
    for (let at = from + 2; at <= end && at < from + 5; at++) {
      hash = hashUnit(hash, at === end ? 32 : text.charCodeAt(at));
      into.add(finishHash(hash) & mask);
    }
  }
}
