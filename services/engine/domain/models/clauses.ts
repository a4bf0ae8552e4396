import { hashPair } from "./hash.js";
import { hashWord, wordEnd, wordStart } from "./word-hash.js";

/** Bits of the bucket of a pair of words. */
export const clauseBits = 15;
/** Words of each side that are paired; more of them say little about an excuse. */
const mostWords = 24;

/** Where the second of two clauses starts: a reason, an excuse or an answer. */
const connectors = [" because ", " but ", " no, ", " no because ", " so i ", " since ", " as i "];

/** Splits a folded text into a statement and what is said about it; undefined when it has one part only. */
export function splitClauses(text: string): readonly [string, string] | undefined {
  const sentence = sentenceBreak(text);
  if (sentence > 0) return [text.slice(0, sentence), text.slice(sentence)];
  const places = connectors.map((connector) => text.indexOf(connector)).filter((place) => place > 0);
  const place = places.length > 0 ? Math.min(...places) : -1;
  return place < 0 ? undefined : [text.slice(0, place), text.slice(place)];
}

function sentenceBreak(text: string): number {
  for (let at = 1; at + 2 < text.length; at++) {
    const unit = text[at];
    if ((unit === "." || unit === "?" || unit === "!") && text[at + 1] === " ") return at + 1;
  }
  return -1;
}

const stamps = new Uint32Array(1 << clauseBits);
const pairs = new Uint16Array(mostWords * mostWords);
let stamp = 0;

/**
 * Buckets of all pairs of a word of the first clause with one of the second,
 * each once; valid until the next call.
 */
export function readClauses(text: string): Uint16Array {
  const clauses = splitClauses(text);
  if (!clauses) return pairs.subarray(0, 0);
  const first = words(clauses[0]);
  const second = words(clauses[1]);
  let count = 0;
  stamp++;
  for (const one of first)
    for (const other of second) {
      const bucket = hashPair(one, other) & ((1 << clauseBits) - 1);
      if (stamps[bucket] === stamp) continue;
      stamps[bucket] = stamp;
      pairs[count++] = bucket;
    }
  return pairs.subarray(0, count);
}

function words(text: string): number[] {
  const hashes: number[] = [];
  for (let at = wordStart(text, 0, text.length); at < text.length && hashes.length < mostWords; ) {
    const stop = wordEnd(text, at, text.length);
    hashes.push(hashWord(text, at, stop));
    at = wordStart(text, stop, text.length);
  }
  return hashes;
}
