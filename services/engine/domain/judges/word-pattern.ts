import type { Word } from "../text/words.js";

type Element =
  | { readonly kind: "words"; readonly words: ReadonlySet<string>; readonly optional: boolean }
  | { readonly kind: "gap"; readonly most: number };

/** A pattern over the words of one sentence. */
export interface WordPattern {
  /** Words it may begin with. */
  readonly first: ReadonlySet<string>;
  /** Only at the start of a sentence, words of courtesy aside. */
  readonly imperative: boolean;
  readonly elements: readonly Element[];
}

/** Named lists of words, which patterns call `<name>`. */
export type WordSets = Readonly<Record<string, string>>;

// A match is a bit mask of the words it may have reached, so its length is bounded by the mask's.
const longest = 30;

/**
 * Compiles a pattern. Its parts are separated by blanks: `a|b` is one of these
 * words, `<name>` one of a set, `x?` may be missing, `..3` is up to three words
 * of any kind, and a leading `^` demands an imperative. Throws when a pattern
 * is longer than 30 words or begins with something that may be missing.
 */
export function compilePattern(source: string, sets: WordSets): WordPattern {
  const parts = source.split(" ").filter((part) => part !== "");
  const imperative = parts[0] === "^";
  const elements = parts.slice(imperative ? 1 : 0).map((part) => compileElement(part, sets));
  const [first] = elements;
  if (first?.kind !== "words" || first.optional)
    throw new Error(`pattern has no fixed first word: ${source}`);
  const length = elements.reduce((sum, element) => sum + (element.kind === "gap" ? element.most : 1), 0);
  if (length > longest) throw new Error(`pattern is longer than ${longest} words: ${source}`);
  return { first: first.words, imperative, elements };
}

function compileElement(part: string, sets: WordSets): Element {
  if (part.startsWith("..")) return { kind: "gap", most: Number(part.slice(2)) };
  const optional = part.endsWith("?");
  const alternatives = (optional ? part.slice(0, -1) : part).split("|");
  const words = alternatives.flatMap((word) =>
    word.startsWith("<") ? setWords(word.slice(1, -1), sets) : [word],
  );
  return { kind: "words", words: new Set(words), optional };
}

function setWords(name: string, sets: WordSets): string[] {
  const words = sets[name];
  if (words === undefined) throw new Error(`there is no word set <${name}>`);
  return words
    .split(" ")
    .flatMap((word) => (word.startsWith("<") ? setWords(word.slice(1, -1), sets) : [word]));
}

/**
 * How many words from `at` on the shortest match takes; 0 when there is none.
 * Takes time in proportion to the pattern, whatever the text.
 */
export function matchLength(pattern: WordPattern, words: readonly Word[], at: number): number {
  const sentence = words[at]?.sentence;
  let reached = 1;
  for (const element of pattern.elements) {
    if (element.kind === "gap") {
      for (let step = 0; step < element.most; step++) reached |= reached << 1;
    } else {
      const next = step(element.words, reached, words, at, sentence);
      reached = element.optional ? reached | next : next;
    }
    if (reached === 0) return 0;
  }
  return 31 - Math.clz32(reached & -reached);
}

function step(
  wanted: ReadonlySet<string>,
  reached: number,
  words: readonly Word[],
  at: number,
  sentence: number | undefined,
): number {
  let next = 0;
  for (let rest = reached; rest !== 0; rest &= rest - 1) {
    const offset = 31 - Math.clz32(rest & -rest);
    const word = words[at + offset];
    if (word?.sentence === sentence && word && wanted.has(word.text)) next |= 1 << (offset + 1);
  }
  return next;
}
