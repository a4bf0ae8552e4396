import { isAsciiLetter, isLetter } from "./characters.js";
import { splitWords } from "./words.js";

/** Whether the rules, which know English only, cover a text. */
export type Coverage = { readonly covered: true } | { readonly covered: false; readonly reason: string };

/** Fewer words than this say too little about their language. */
const shortestText = 6;
/** Fewer letters than this in a foreign script may be a name or a symbol. */
const fewestForeignLetters = 3;

const functionWords: Readonly<Record<string, readonly string[]>> = {
  English:
    "the of and to in is you that it for on are with as i be at have from or by not this what how do can a my".split(
      " ",
    ),
  German:
    "der die das und ist nicht ich sie ein eine zu den mit von auf für im wie alle vergiss es dem auch bitte".split(
      " ",
    ),
  French:
    "le la les des et est une un que vous dans pour pas sur je il du qui avec au tout toutes les ce moi".split(
      " ",
    ),
  Spanish: "el la los las que y en un una es por con para no se del al lo como todas mi su esta".split(" "),
  Italian: "il la che di e non per un una sono con del della le gli si come tutte questo mi".split(" "),
  Portuguese: "o a os as que e um uma não para com do da em por se como todas mais meu".split(" "),
  Dutch: "de het een en van is niet dat op te voor met zijn ik je alle hoe wat dit".split(" "),
};

/**
 * Tells texts in another language from English ones. A text is foreign when
 * most of its letters, and at least three, belong to words of another script,
 * or when it has six words or more and more function words of another Latin
 * language than English ones. Shorter Latin texts pass.
 */
export function languageCoverage(text: string): Coverage {
  if (last?.text !== text) last = { text, coverage: readCoverage(text) };
  return last.coverage;
}

/** Every judge asks about the same text in turn. */
let last: { readonly text: string; readonly coverage: Coverage } | undefined;

function readCoverage(text: string): Coverage {
  const { latin, foreign } = countLetters(text);
  if (foreign > latin && foreign >= fewestForeignLetters) {
    return {
      covered: false,
      reason: `${foreign} of ${foreign + latin} letters are of a script without rules`,
    };
  }
  return latinCoverage(splitWords(text.toLowerCase()).map((word) => word.text));
}

function latinCoverage(words: readonly string[]): Coverage {
  if (words.length < shortestText) return { covered: true };
  const english = count(words, "English");
  for (const language of Object.keys(functionWords)) {
    const seen = count(words, language);
    if (language !== "English" && seen >= 2 && seen > 2 * english) {
      return { covered: false, reason: `${seen} ${language} function words and ${english} English ones` };
    }
  }
  return { covered: true };
}

const sets = new Map(Object.entries(functionWords).map(([language, words]) => [language, new Set(words)]));

function count(words: readonly string[], language: string): number {
  const set = sets.get(language);
  return words.filter((word) => set?.has(word)).length;
}

/** Letters by script; a word with some Latin letters counts as Latin, as disguises mix scripts. */
function countLetters(text: string): { latin: number; foreign: number } {
  const total = { latin: 0, foreign: 0 };
  const word = { latin: 0, foreign: 0 };
  const close = () => {
    if (word.latin > 0) total.latin += word.latin + word.foreign;
    else total.foreign += word.foreign;
    word.latin = 0;
    word.foreign = 0;
  };
  for (const point of text) {
    const code = point.codePointAt(0) ?? 0;
    if (!isLetter(code)) close();
    else if (isLatin(code)) word.latin++;
    else word.foreign++;
  }
  close();
  return total;
}

/** ASCII, Latin-1, the Latin extensions and full-width Latin. */
function isLatin(code: number): boolean {
  return (
    (code < 128 && isAsciiLetter(code)) ||
    (code >= 0xaa && code < 0x250) ||
    (code >= 0x1e00 && code < 0x1f00) ||
    (code >= 0xff21 && code <= 0xff5a)
  );
}
