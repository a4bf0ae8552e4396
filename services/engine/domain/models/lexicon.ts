import { hashText } from "./hash.js";
import { hashWord, wordEnd, wordStart } from "./word-hash.js";

/** Numbers that describe how pleasant the words of a text are, each about -1..1. */
export const lexiconFeatures = [
  "sum",
  "pleasant",
  "unpleasant",
  "highest",
  "lowest",
  "last",
  "negated",
  "exclaimed",
  "asked",
  "length",
] as const;

/** Valences of words as sorted hashes beside hundredths, such as 190 for 1.9. */
export interface Lexicon {
  readonly hashes: Uint32Array;
  readonly hundredths: Int16Array;
}

const negations = new Set(
  "not no never nothing nobody none neither nor without hardly cannot cant dont doesnt didnt isnt arent wasnt werent wont wouldnt shouldnt couldnt aint"
    .split(" ")
    .map(hashText),
);
const exclamation = hashWord("!", 0, 1);
const exclamations = hashWord("!!", 0, 2);
const question = hashWord("?", 0, 1);

/** How far a negation reaches, in words, and what it leaves of a valence (Hutto and Gilbert 2014). */
const reach = 3;
const negated = -0.74;

/** Describes a folded text by a lexicon; `into` gets a number for each of `lexiconFeatures`. */
export function readLexicon(text: string, lexicon: Lexicon, into: Float64Array): void {
  let pleasant = 0;
  let unpleasant = 0;
  let highest = 0;
  let lowest = 0;
  let last = 0;
  let negationCount = 0;
  let exclaimed = 0;
  let asked = 0;
  let words = 0;
  let sinceNegation = reach + 1;
  for (let at = wordStart(text, 0, text.length); at < text.length; ) {
    const stop = wordEnd(text, at, text.length);
    const word = hashWord(text, at, stop);
    words++;
    sinceNegation++;
    if (word === exclamation || word === exclamations) exclaimed++;
    else if (word === question) asked++;
    else if (negations.has(word)) {
      negationCount++;
      sinceNegation = 0;
    } else {
      const valence = valenceOf(lexicon, word) * (sinceNegation <= reach ? negated : 1);
      if (valence > 0) pleasant += valence;
      else unpleasant += valence;
      highest = Math.max(highest, valence);
      lowest = Math.min(lowest, valence);
      if (valence !== 0) last = valence;
    }
    at = wordStart(text, stop, text.length);
  }
  const sum = pleasant + unpleasant;
  into[0] = sum / Math.sqrt(sum * sum + 15);
  into[1] = pleasant / (pleasant + 4);
  into[2] = unpleasant / (4 - unpleasant);
  into[3] = highest / 4;
  into[4] = lowest / 4;
  into[5] = last / 4;
  into[6] = Math.min(1, negationCount / 2);
  into[7] = Math.min(1, exclaimed / 2);
  into[8] = Math.min(1, asked / 2);
  into[9] = Math.min(1, words / 50);
}

/** Valence of a word, -4..4; 0 when it is unknown. */
function valenceOf({ hashes, hundredths }: Lexicon, word: number): number {
  let low = 0;
  let high = hashes.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const hash = hashes[middle] as number;
    if (hash === word) return (hundredths[middle] as number) / 100;
    if (hash < word) low = middle + 1;
    else high = middle - 1;
  }
  return 0;
}
