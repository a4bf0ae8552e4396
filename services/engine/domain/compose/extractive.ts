import type { Idf } from "../retrieval/bm25.js";
import { termSet } from "../retrieval/terms.js";
import { coverage } from "../support.js";
import { splitSentences } from "../text/sentences.js";
import type { ComposeRequest, Composer, EvidencePassage } from "./composer.js";

interface Candidate {
  /** Position among all sentences: best passage first, then order in the passage. */
  readonly order: number;
  readonly passage: EvidencePassage;
  readonly text: string;
  /** Content terms of the sentence. */
  readonly own: ReadonlySet<string>;
  /** Those, and the terms of its passage's title. */
  readonly terms: ReadonlySet<string>;
}

/** How the embedded composer answers. */
export interface ExtractiveOptions {
  /** Share of the question's content terms that evidence must have, weighted by idf, 0..1. */
  readonly fewestCovered: number;
  /** Most sentences of an answer. */
  readonly mostSentences: number;
}

/**
 * The embedded composer. It answers in sentences of the evidence and nothing
 * else: those that together cover most of the question, then those of the best
 * passage that go on about it, in the order of the evidence. Declines when the
 * evidence covers too little.
 */
export function createExtractiveComposer({ fewestCovered, mostSentences }: ExtractiveOptions): Composer {
  return {
    id: "extractive",
    compose(request) {
      const wanted = termSet(request.question);
      const candidates = candidatesOf(request);
      const union = new Set(candidates.flatMap(({ terms }) => [...terms]));
      const covered = coverage(wanted, union, request.idf) ?? 0;
      if (covered < fewestCovered || covered === 0) {
        return { composed: false, reason: `evidence covers ${covered.toFixed(2)} of the question` };
      }
      const chosen = choose(candidates, wanted, request.idf, mostSentences);
      return { composed: true, content: chosen.map(({ text }) => terminated(text)).join(" ") };
    },
  };
}

/** A sentence with a stop at its end. */
export function terminated(sentence: string): string {
  const text = sentence.replaceAll("\n", " ").trim();
  return '.!?…:”"'.includes(text.at(-1) ?? "") ? text : `${text}.`;
}

function candidatesOf({ evidence }: ComposeRequest): Candidate[] {
  const candidates = evidence.flatMap((passage) =>
    splitSentences(passage.text).map(({ start, end }) => {
      const text = passage.text.slice(start, end);
      return { passage, text, own: termSet(text), terms: termSet(`${passage.title}\n${text}`) };
    }),
  );
  return candidates.map((candidate, order) => ({ ...candidate, order }));
}

function choose(
  candidates: readonly Candidate[],
  wanted: ReadonlySet<string>,
  idf: Idf,
  most: number,
): Candidate[] {
  const missing = new Set(wanted);
  const chosen = new Set<Candidate>();
  while (chosen.size < most) {
    const best = bestFor(candidates, missing, idf);
    if (!best) break;
    chosen.add(best);
    for (const term of best.terms) missing.delete(term);
  }
  const [first] = chosen;
  for (const candidate of candidates) {
    if (chosen.size >= most) break;
    if (candidate.passage === first?.passage && sharesText(candidate, wanted)) chosen.add(candidate);
  }
  return [...chosen].sort((a, b) => a.order - b.order);
}

/** The sentence that itself covers most of what is missing, else the one that does with its title; the earlier of equals. */
function bestFor(
  candidates: readonly Candidate[],
  missing: ReadonlySet<string>,
  idf: Idf,
): Candidate | undefined {
  return (
    highest(candidates, ({ own }) => coverage(missing, own, idf) ?? 0) ??
    highest(candidates, ({ terms }) => coverage(missing, terms, idf) ?? 0)
  );
}

/** The first candidate of the highest score above 0. */
function highest(
  candidates: readonly Candidate[],
  score: (candidate: Candidate) => number,
): Candidate | undefined {
  let best: Candidate | undefined;
  let most = 0;
  for (const candidate of candidates) {
    const own = score(candidate);
    if (own > most) {
      best = candidate;
      most = own;
    }
  }
  return best;
}

function sharesText({ own }: Candidate, wanted: ReadonlySet<string>): boolean {
  return [...own].some((term) => wanted.has(term));
}
