import type { ConversationText } from "../compose/composer.js";
import { createIndex, inverseDocumentFrequency, type PassageIndex, searchAll } from "../retrieval/bm25.js";
import type { Passage } from "../retrieval/passages.js";
import { termSet } from "../retrieval/terms.js";
import type { StageWork } from "../stage.js";
import { coverage } from "../support.js";

/** Finds the passages to answer from, among the context and what the responder knows, and measures awareness. */
export const retrieve: StageWork = (run, { background, mostEvidence }) => {
  const { knowledge, goals } = run.request.responder;
  const told = { ...run.context, ...toolResults(run.conversation) };
  const context = createIndex(contextPassages(told));
  const terms = termSet(run.question);
  const idf = inverseDocumentFrequency([...new Set([background, knowledge, context])]);
  run.idf = (term) => {
    const weight = idf(term);
    run.termWeights.set(term, weight);
    return weight;
  };
  const found = searchAll([context, knowledge], terms, run.idf, mostEvidence);
  run.evidence = found.map(({ passage, score }, at) => {
    return { ...passage, score, number: at + 1, origin: passage };
  });
  run.awareness = coverage(terms, knownTerms(terms, [context, knowledge], goals), run.idf);
  return {
    saw: `${terms.size} content terms, ${knowledge.size + context.size} passages`,
    concluded: `${run.evidence.length} passages found${best(run.evidence[0]?.score)}`,
  };
};

/** What the caller's tools found out, by place. */
function toolResults(conversation: readonly ConversationText[]): Record<string, string> {
  const texts = conversation.filter(({ role }) => role === "tool");
  return Object.fromEntries(texts.map(({ text }, at) => [`Tool result ${at + 1}`, text]));
}

/** One passage for each entry, whole, under its key. */
function contextPassages(context: Readonly<Record<string, string>>): Passage[] {
  return Object.entries(context)
    .filter(([, text]) => text.trim() !== "")
    .map(([title, text]) => ({ title, text, source: "context" }));
}

function knownTerms(
  terms: ReadonlySet<string>,
  indexes: readonly PassageIndex[],
  goals: readonly string[],
): ReadonlySet<string> {
  const aims = termSet(goals.join("\n"));
  return new Set(
    [...terms].filter((term) => aims.has(term) || indexes.some((index) => index.documentFrequency(term) > 0)),
  );
}

function best(score: number | undefined): string {
  return score === undefined ? "" : `, the best with BM25 ${score.toFixed(2)}`;
}
