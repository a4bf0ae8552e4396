import {
  type ClaimTerms,
  coverage,
  hasDigit,
  isFound,
  neighbours,
  type PassageTerms,
} from "./support-terms.js";

/** Terms of more bits than this are rare. */
const rare = 9;

/** Features of a question beside a passage. */
export const questionFeatures = [
  "coverage",
  "best sentence",
  "best two sentences",
  "coverage over half",
  "coverage over four fifths",
  "neighbours together",
  "heaviest missing",
  "rare missing",
  "first sentence",
  "occurrences of the rarest",
  "numbers missing",
  "names missing",
  "answer type fits",
  "answer type misses",
  "terms",
  "passage terms",
  "coverage and neighbours",
] as const;

/** Features of an answer beside a passage, and beside a question when there is one. */
export const answerFeatures = [
  "coverage",
  "coverage over four fifths",
  "best sentence",
  "word for word",
  "neighbours together",
  "numbers missing",
  "names missing",
  "heaviest missing",
  "terms",
  "question in its sentence",
  "question elsewhere",
  "fits the question",
  "misses the question",
  "repeats the question",
] as const;

/** Describes how a passage speaks about a question. */
export function describeQuestion({ text: question, wanted }: ClaimTerms, passage: PassageTerms): number[] {
  const covered = coverage(wanted, passage.all, passage.beginnings);
  const bySentence = passage.sentences.map(({ set }) => coverage(wanted, set));
  const best = Math.max(0, ...bySentence);
  const together = neighbours(wanted, passage.places);
  const rarest = [...wanted].sort((a, b) => b.weight - a.weight)[0];
  const missing = wanted.filter(({ term }) => !isFound(term, passage.all, passage.beginnings));
  const heaviest = Math.max(0, ...wanted.map(({ weight }) => weight));
  const fit = typeFit(question, passage.sentences[bySentence.indexOf(best)]?.text ?? "");
  return [
    covered,
    best,
    Math.max(0, ...passage.pairs.map((set) => coverage(wanted, set))),
    Math.max(0, covered - 0.5),
    Math.max(0, covered - 0.8),
    together,
    heaviest === 0 ? 0 : Math.max(0, ...missing.map(({ weight }) => weight)) / heaviest,
    share(
      wanted.filter(({ weight }) => weight > rare),
      (one) => missing.includes(one),
    ),
    passage.sentences[0] ? coverage(wanted, passage.sentences[0].set) : 0,
    Math.log1p(rarest ? (passage.places.get(rarest.term)?.length ?? 0) : 0),
    share(
      wanted.filter(({ isNumber }) => isNumber),
      (one) => missing.includes(one),
    ),
    share(
      wanted.filter(({ isName }) => isName),
      (one) => missing.includes(one),
    ),
    Number(fit === "fits"),
    Number(fit === "misses"),
    Math.log1p(wanted.length),
    Math.log1p(passage.order.length) / 5,
    covered * together,
  ];
}

/** Describes how a passage bears out an answer. The question is empty for a statement that stands alone. */
export function describeAnswer(
  { text: answer, wanted: said, plain }: ClaimTerms,
  { text: question, wanted: asked }: ClaimTerms,
  passage: PassageTerms,
): number[] {
  const missing = said.filter(({ term }) => !isFound(term, passage.all, passage.beginnings));
  const covered = said.length === 0 ? 1 : coverage(said, passage.all, passage.beginnings);
  const bySentence = passage.sentences.map(({ set }) => coverage(said, set));
  const best = Math.max(0, ...bySentence);
  const holders = passage.sentences.filter((_, at) => (bySentence[at] as number) >= best - 0.01);
  const here = Math.max(0, ...holders.map(({ set }) => coverage(asked, set)));
  const elsewhere = Math.max(0, ...passage.sentences.map(({ set }) => coverage(asked, set)));
  const fit = typeFit(question, answer);
  const heaviest = Math.max(0, ...said.map(({ weight }) => weight));
  return [
    covered,
    Math.max(0, covered - 0.8),
    best,
    Number(plain !== "" && passage.plain.includes(plain)),
    neighbours(said, passage.places),
    share(
      said.filter(({ isNumber }) => isNumber),
      (one) => missing.includes(one),
    ),
    share(
      said.filter(({ isName }) => isName),
      (one) => missing.includes(one),
    ),
    heaviest === 0 ? 0 : Math.max(0, ...missing.map(({ weight }) => weight)) / heaviest,
    Math.log1p(said.length),
    here,
    elsewhere - here,
    Number(fit === "fits"),
    Number(fit === "misses"),
    share(said, ({ term }) => asked.some((one) => one.term === term)),
  ];
}

function share<T>(list: readonly T[], is: (one: T) => boolean): number {
  return list.length === 0 ? 0 : list.filter(is).length / list.length;
}

const months =
  /\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b/i;

/** Whether a stretch holds what the question's first words ask for. */
function typeFit(question: string, text: string): "fits" | "misses" | "unknown" {
  const asked = question.toLowerCase();
  const verdict = (fits: boolean) => (fits ? "fits" : "misses");
  if (/\b(?:how many|how much|how old|how long|what year|when|what date|what percentage)\b/.test(asked))
    return verdict(
      hasDigit(text) ||
        months.test(text) ||
        /\b(?:one|two|three|four|five|six|seven|eight|nine|ten|century)\b/i.test(text),
    );
  if (/\b(?:who|whose|whom|where|which country|what city)\b/.test(asked))
    return verdict(/\b\p{Lu}/u.test(text));
  return "unknown";
}
