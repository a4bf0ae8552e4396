import { terminated } from "../compose/extractive.js";
import { maskPersonalData } from "../judges/personal-data/personal-data.js";
import { repeatedSentences } from "../quality.js";
import { termSet } from "../retrieval/terms.js";
import { assessSupport, coverage, weakSupport } from "../support.js";
import { splitSentences } from "../text/sentences.js";
import { type CritiqueName, type Draft, missingTerms } from "./critique.js";

/** A revised answer and what was changed. */
export interface Revision {
  readonly content: string;
  readonly change: string;
}

type Revise = (draft: Draft) => Revision | undefined;

const sentencesOf = (content: string) =>
  splitSentences(content).map(({ start, end }) => content.slice(start, end));

const maskAll: Revise = ({ content }) => {
  const { text, findings } = maskPersonalData(content);
  return { content: text, change: `masked ${findings.length} findings` };
};

/** Leaves out weak sentences and those with numbers or names of their own; nothing when none would be left. */
const dropUnsupported: Revise = ({ content, evidence, idf }) => {
  const { sentences } = assessSupport(content, evidence, idf);
  const kept = sentences.filter(
    ({ support, text }) =>
      support >= weakSupport && assessSupport(text, evidence, idf).unsupportedTerms.length === 0,
  );
  if (kept.length === 0 || kept.length === sentences.length) return undefined;
  const change = `left out ${sentences.length - kept.length} sentences`;
  return { content: kept.map(({ text }) => text).join(" "), change };
};

const dropRepeated: Revise = ({ content }) => {
  const sentences = sentencesOf(content);
  const repeated = repeatedSentences(sentences);
  const kept = sentences.filter((_, at) => !repeated.has(at));
  return { content: kept.join(" "), change: `left out ${repeated.size} repetitions` };
};

/** Adds the one sentence of the evidence that covers most of what the answer leaves out. */
const addMissing: Revise = ({ question, content, evidence, idf }) => {
  const missing = missingTerms(question, content, evidence);
  let best: { text: string; number: number } | undefined;
  let most = 0;
  for (const { text: passage, number } of evidence) {
    for (const text of sentencesOf(passage)) {
      const gain = coverage(missing, termSet(text), idf) ?? 0;
      if (gain > most) {
        best = { text, number };
        most = gain;
      }
    }
  }
  if (!best) return undefined;
  return {
    content: `${content} ${terminated(best.text)}`,
    change: `added a sentence of evidence ${best.number}`,
  };
};

/** How each fault is put right; undefined when it cannot be. */
export const revisions: Readonly<Record<CritiqueName, Revise>> = {
  personal_data: maskAll,
  unsupported: dropUnsupported,
  redundant: dropRepeated,
  incomplete: addMissing,
};
