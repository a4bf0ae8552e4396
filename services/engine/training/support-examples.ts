import { createFrequencyTable, type FrequencyTable } from "../domain/models/frequency.js";
import { describeAnswer, describeQuestion } from "../domain/models/support-features.js";
import { answerMode, type SupportMode } from "../domain/models/support-mode.js";
import { type PassageTerms, readClaim, readPassage } from "../domain/models/support-terms.js";
import { createIndex, type Idf, inverseDocumentFrequency } from "../domain/retrieval/bm25.js";
import { termSet } from "../domain/retrieval/terms.js";
import { splitSentences } from "../domain/text/sentences.js";
import type { Dataset } from "./dataset.js";
import type { SquadArticle, SquadQuestion } from "./squad.js";

/** Why a passage does or does not support. */
export type SupportKind = "right" | "same article" | "other article" | "trick question" | "other answer";

/** Features of a passage beside what is asked or said. */
export interface SupportExample {
  readonly mode: SupportMode;
  readonly kind: SupportKind;
  readonly features: readonly number[];
  readonly label: 0 | 1;
  readonly article: string;
  readonly weight: number;
}

interface Place {
  readonly article: string;
  readonly text: string;
  readonly read: PassageTerms;
  readonly qas: readonly SquadQuestion[];
}

/** Of so many questions one is taken; the rest says little new. */
const step = 2;

/** Frequencies of terms in ordinary texts other than the articles. */
export function frequencyOf({ items }: Dataset): FrequencyTable {
  const texts = items.filter(({ source }) => source !== "SQuAD 2.0").map(({ text }) => termSet(text));
  return createFrequencyTable(texts);
}

/** Examples of every mode, right and wrong passages beside each other. */
export function supportExamples(
  articles: readonly SquadArticle[],
  frequency: FrequencyTable,
): SupportExample[] {
  const places = articles.flatMap(({ title, paragraphs }) =>
    paragraphs.map(
      ({ context, qas }): Place => ({ article: title, text: context, read: readPassage(context), qas }),
    ),
  );
  const search = createSearch(places);
  return places.flatMap((place) =>
    place.qas
      .filter((_, at) => at % step === 0)
      .flatMap((question) => examplesOf(question, place, search, frequency)),
  );
}

type Search = (
  question: string,
  own: Place,
) => { readonly near: Place | undefined; readonly far: Place | undefined };

/** Finds the best wrong passages: of the same article, and of another. */
function createSearch(places: readonly Place[]): Search {
  const index = createIndex(places.map(({ text }) => ({ title: "", text, source: "knowledge" })));
  const idf: Idf = inverseDocumentFrequency([index]);
  const byText = new Map(places.map((place) => [place.text, place]));
  return (question, own) => {
    const ranked = index
      .search(termSet(question), idf)
      .sort((a, b) => b.score - a.score)
      .flatMap(({ passage }) => byText.get(passage.text) ?? [])
      .filter((place) => place !== own);
    return {
      near: ranked.find(({ article }) => article === own.article),
      far: ranked.find(({ article }) => article !== own.article),
    };
  };
}

function examplesOf(
  asked: SquadQuestion,
  place: Place,
  search: Search,
  frequency: FrequencyTable,
): SupportExample[] {
  const { near, far } = search(asked.question, place);
  const question = readClaim(asked.question, frequency);
  const nothing = readClaim("", frequency);
  const answer = (asked.is_impossible ? asked.plausible_answers : asked.answers)?.[0];
  const write = (kind: SupportKind, passage: Place | undefined, weight: number): SupportExample[] => {
    if (!passage) return [];
    const { article } = place;
    const label = kind === "right" ? 1 : 0;
    const base = { kind, label, article, weight } as const;
    const about = describeQuestion(question, passage.read);
    const written: SupportExample[] = [{ ...base, mode: "question", features: about }];
    if (!answer) return written;
    const own = describeAnswer(readClaim(answer.text, frequency), question, passage.read);
    written.push({ ...base, mode: answerMode(answer.text), features: [...about, ...own] });
    if (asked.is_impossible) return written;
    for (const sentence of [
      sentenceOf(place.text, answer.answer_start),
      retold(asked.question, answer.text),
    ]) {
      const told = readClaim(sentence, frequency);
      const said = describeAnswer(told, question, passage.read);
      written.push({ ...base, mode: answerMode(sentence), features: [...about, ...said] });
      const alone = describeAnswer(told, nothing, passage.read);
      written.push({ ...base, mode: "statement", features: alone });
    }
    return written;
  };
  const wrong = [...write("same article", near, 0.6), ...write("other article", far, 0.4)];
  if (asked.is_impossible) return [...write("trick question", place, 0.5)];
  return [
    ...write("right", place, 1),
    ...wrong,
    ...otherAnswer(asked, place, frequency),
    ...[near, far].flatMap((other) => strangeAnswer(asked, place.article, other, frequency)),
  ];
}

/** The sentence that holds the answer, shortened as an answer would be. */
function sentenceOf(text: string, at: number): string {
  const span = splitSentences(text).find(({ start, end }) => start <= at && at < end);
  const words = text.slice(span?.start ?? 0, span?.end ?? text.length).split(" ");
  return words.filter((_, place) => place % 5 !== 4).join(" ");
}

/** The question as a statement with the answer: the words that ask are left out. */
function retold(question: string, answer: string): string {
  const rest = question
    .replace("?", "")
    .split(" ")
    .filter((word) => !askingWords.has(word.toLowerCase()));
  return `${rest.join(" ")} ${answer}.`;
}

const askingWords = new Set("what which who whom whose when where why how many much did does do".split(" "));

/** What a wrong passage says word for word, beside a question that it does not answer: a name or number, and a sentence. */
function strangeAnswer(
  asked: SquadQuestion,
  article: string,
  other: Place | undefined,
  frequency: FrequencyTable,
): SupportExample[] {
  const answer = other?.qas.flatMap(({ answers }) => answers.slice(0, 1))[0];
  if (!other || !answer) return [];
  const question = readClaim(asked.question, frequency);
  const about = describeQuestion(question, other.read);
  return [answer.text, sentenceOf(other.text, answer.answer_start)].map((text) => ({
    mode: answerMode(text),
    kind: "other answer",
    features: [...about, ...describeAnswer(readClaim(text, frequency), question, other.read)],
    label: 0,
    article,
    weight: 0.2,
  }));
}

/** Answers that the right passage holds and that are wrong: those to another question, and a sentence about something else. */
function otherAnswer(asked: SquadQuestion, place: Place, frequency: FrequencyTable): SupportExample[] {
  const own = asked.answers[0];
  if (!own) return [];
  const base = { kind: "other answer", label: 0, article: place.article, weight: 0.3 } as const;
  const question = readClaim(asked.question, frequency);
  const about = describeQuestion(question, place.read);
  const answered = (text: string): SupportExample => {
    const said = describeAnswer(readClaim(text, frequency), question, place.read);
    return { ...base, mode: answerMode(text), features: [...about, ...said] };
  };
  const stated = (text: string): SupportExample => ({
    ...base,
    weight: 0.6,
    mode: "statement",
    features: describeAnswer(readClaim(text, frequency), readClaim("", frequency), place.read),
  });
  const other = place.qas
    .flatMap(({ answers }) => answers.slice(0, 1))
    .find(({ text }) => !text.includes(own.text) && !own.text.includes(text));
  const aside = splitSentences(place.text)
    .map(({ start, end }) => place.text.slice(start, end))
    .find((sentence) => !sentence.includes(own.text));
  return [
    ...(other ? [answered(other.text), answered(retold(asked.question, other.text))] : []),
    ...(other ? [stated(retold(asked.question, other.text))] : []),
    ...(aside ? [answered(aside)] : []),
    stated(sentenceOf(place.text, own.answer_start).replace(own.text, "Brandenburg 1742")),
  ];
}
