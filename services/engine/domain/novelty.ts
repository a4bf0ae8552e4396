import { finishHash, hashPair, hashStart, hashUnit } from "./models/hash.js";
import { isAsciiLetter, isDigit, isSpace } from "./text/characters.js";

/**
 * A bottom-k MinHash sketch (Broder 1997, "On the resemblance and containment
 * of documents"): the smallest distinct hashes of a text's word triples,
 * ascending. Complete for texts of at most `sketchSize` triples.
 */
export type Sketch = Uint32Array;

/** Most hashes of a sketch: 2 KiB. */
export const sketchSize = 512;

/** The last answers to one caller of one agent, for comparison. */
export interface RecentAnswers {
  latest(): readonly Sketch[];
  add(answer: Sketch): void;
}

/** The sketch of texts together; empty when none has three words. */
export function sketchOf(...texts: readonly string[]): Sketch {
  return sketchOfWords(texts.map(wordHashes));
}

function sketchOfWords(texts: readonly (readonly number[])[]): Sketch {
  const triples: number[] = [];
  for (const words of texts) {
    for (let at = 2; at < words.length; at++) {
      triples.push(hashPair(pairAt(words, at - 2), words[at] as number));
    }
  }
  return distinct(triples).slice(0, sketchSize);
}

/**
 * How new an answer is beside other texts, 0..1: 1 minus the highest
 * containment of its word triples in one of them, times distinct-2, the share
 * of its word pairs that are distinct (Li et al. 2016, "A diversity-promoting
 * objective function"). Undefined for answers of fewer than three words.
 */
export function novelty(answer: string, others: readonly Sketch[]): number | undefined {
  const words = wordHashes(answer);
  if (words.length < 3) return undefined;
  const sketch = sketchOfWords([words]);
  const highest = others.reduce((most, other) => Math.max(most, containment(sketch, other)), 0);
  return (1 - highest) * distinctPairs(words);
}

/** Estimated share of the triples of `part` that `whole` has, 0..1; exact while both sketches are complete. */
export function containment(part: Sketch, whole: Sketch): number {
  // Above the last hash of a full sketch nothing is known of its text.
  const known = Math.min(boundOf(part), boundOf(whole));
  let compared = 0;
  let shared = 0;
  let at = 0;
  for (const hash of part) {
    if (hash > known) break;
    compared++;
    while (at < whole.length && (whole[at] as number) < hash) at++;
    if (whole[at] === hash) shared++;
  }
  return compared === 0 ? 0 : shared / compared;
}

function boundOf(sketch: Sketch): number {
  return sketch.length < sketchSize ? Number.POSITIVE_INFINITY : (sketch.at(-1) as number);
}

function distinctPairs(words: readonly number[]): number {
  const pairs = words.slice(1).map((_, at) => pairAt(words, at));
  return distinct(pairs).length / pairs.length;
}

function pairAt(words: readonly number[], at: number): number {
  return hashPair(words[at] as number, words[at + 1] as number);
}

function distinct(hashes: readonly number[]): Uint32Array {
  const sorted = Uint32Array.from(hashes).sort();
  let kept = 0;
  for (let at = 0; at < sorted.length; at++) {
    if (at === 0 || sorted[at] !== sorted[at - 1]) sorted[kept++] = sorted[at] as number;
  }
  return sorted.subarray(0, kept);
}

/** Hashes of the words in order, without regard to case and signs. */
function wordHashes(given: string): number[] {
  const text = given.toLowerCase();
  const words: number[] = [];
  let hash = hashStart;
  let open = false;
  for (let at = 0; at <= text.length; at++) {
    const unit = text.charCodeAt(at);
    const alone = isIdeograph(unit);
    if (open && (alone || !isWordUnit(unit))) {
      words.push(finishHash(hash));
      hash = hashStart;
      open = false;
    }
    if (alone) words.push(finishHash(hashUnit(hashStart, unit)));
    else if (isWordUnit(unit)) {
      hash = hashUnit(hash, unit);
      open = true;
    }
  }
  return words;
}

/** Behind the end of a text the unit is NaN, which belongs to no word. */
function isWordUnit(unit: number): boolean {
  if (unit < 0xaa) return isAsciiLetter(unit) || isDigit(unit);
  return unit >= 0xaa && !isSpace(unit) && !isPunctuation(unit);
}

/** Written without blanks between words, each stands for one: kana and Han. */
function isIdeograph(unit: number): boolean {
  return (unit >= 0x3041 && unit <= 0x30ff) || (unit >= 0x3400 && unit <= 0x9fff);
}

/** Of Latin-1, in general and of East Asia. */
function isPunctuation(unit: number): boolean {
  return (
    (unit < 0xc0 && unit !== 0xaa && unit !== 0xb5 && unit !== 0xba) ||
    (unit >= 0x2000 && unit <= 0x206f) ||
    (unit >= 0x3000 && unit <= 0x303f) ||
    (unit >= 0xff01 && unit <= 0xff0f)
  );
}
