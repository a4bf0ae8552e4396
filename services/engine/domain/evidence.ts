import { create } from "@bufbuild/protobuf";
import { type Evidence, EvidenceSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import type { EvidencePassage } from "./compose/composer.js";
import type { Idf } from "./retrieval/bm25.js";
import { termSet } from "./retrieval/terms.js";
import { assessSupport, coverage, type SentenceSupport, weakSupport } from "./support.js";
import type { TextSpan } from "./text/normalise.js";
import { splitSentences } from "./text/sentences.js";

/**
 * The passages beside the parts of the answer that stand on them: a sentence
 * stands on the passage that holds it word for word, else on the one that
 * covers most of it, when that is at least half.
 */
export function alignEvidence(content: string, passages: readonly EvidencePassage[], idf: Idf): Evidence[] {
  const links = assessSupport(content, passages, idf).sentences.flatMap((sentence) => {
    const link = linkOf(sentence, passages, idf);
    return link ? [link] : [];
  });
  return passages.map(({ number, title, source, text, score }) => {
    const own = links.filter(({ passage }) => passage.number === number);
    return create(EvidenceSchema, {
      number,
      title,
      source,
      passage: text,
      score,
      passageSpans: own.map(({ passageSpan }) => passageSpan),
      contentSpans: own.map(({ contentSpan }) => contentSpan),
    });
  });
}

interface Link {
  readonly passage: EvidencePassage;
  readonly passageSpan: TextSpan;
  readonly contentSpan: TextSpan;
}

function linkOf(sentence: SentenceSupport, passages: readonly EvidencePassage[], idf: Idf): Link | undefined {
  const contentSpan = { start: sentence.start, end: sentence.end };
  for (const passage of passages) {
    const passageSpan = verbatim(sentence.text, passage.text);
    if (passageSpan) return { passage, passageSpan, contentSpan };
  }
  const passage = sentence.passage === undefined ? undefined : passages[sentence.passage];
  if (!passage || sentence.support < weakSupport) return undefined;
  return { passage, passageSpan: closestSentence(sentence.text, passage.text, idf), contentSpan };
}

/** Where a passage holds a sentence, line ends and the stop that was added aside. */
function verbatim(sentence: string, passage: string): TextSpan | undefined {
  const flat = passage.replaceAll("\n", " ");
  for (const text of [sentence, sentence.endsWith(".") ? sentence.slice(0, -1) : ""]) {
    const start = text === "" ? -1 : flat.indexOf(text);
    if (start >= 0) return { start, end: start + text.length };
  }
  return undefined;
}

function closestSentence(sentence: string, passage: string, idf: Idf): TextSpan {
  const wanted = termSet(sentence);
  let best: TextSpan = { start: 0, end: passage.length };
  let most = 0;
  for (const span of splitSentences(passage)) {
    const share = coverage(wanted, termSet(passage.slice(span.start, span.end)), idf) ?? 0;
    if (share > most) {
      best = span;
      most = share;
    }
  }
  return best;
}
