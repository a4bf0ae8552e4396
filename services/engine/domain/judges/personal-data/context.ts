import { isAlphanumeric, isAsciiLetter } from "../../text/characters.js";

/** Makes a test whether one of some words, in any case, stands shortly before a place. */
export function createContext(words: string, reach: number): (text: string, at: number) => boolean {
  const wanted = words.split("|");
  return (text, at) => {
    const before = text.slice(Math.max(0, at - reach), at).toLowerCase();
    return wanted.some((word) => holdsWord(before, word));
  };
}

function holdsWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    // What stands in brackets may be the mark of something masked, not a word of the text.
    const starts = at === 0 || (!isAsciiLetter(text.charCodeAt(at - 1)) && text[at - 1] !== "[");
    if (starts && !isAsciiLetter(text.charCodeAt(at + word.length))) return true;
  }
  return false;
}

/** Runs of letters and digits of a text, some other units allowed between two of them. */
export function* tokens(
  text: string,
  joiners: string,
): Generator<{ start: number; end: number; run: string }> {
  for (let at = 0; at < text.length; at++) {
    if (!isAlphanumeric(text.charCodeAt(at))) continue;
    let end = at + 1;
    while (end < text.length && continues(text, end, joiners)) end++;
    yield { start: at, end, run: text.slice(at, end) };
    at = end;
  }
}

function continues(text: string, at: number, joiners: string): boolean {
  if (isAlphanumeric(text.charCodeAt(at))) return true;
  return joiners.includes(text[at] as string) && isAlphanumeric(text.charCodeAt(at + 1));
}
