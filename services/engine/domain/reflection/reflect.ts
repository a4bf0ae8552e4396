import { create } from "@bufbuild/protobuf";
import { type ReflectionPass, ReflectionPassSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { qualityComponents, qualityIndex } from "../quality.js";
import { termSet } from "../retrieval/terms.js";
import { assessSupport, coverage } from "../support.js";
import { type Critique, critics, type Draft } from "./critique.js";
import { revisions } from "./revise.js";

/** What reflection did to an answer. */
export interface Reflection {
  /** The answer as the last pass left it. */
  readonly content: string;
  readonly passes: readonly ReflectionPass[];
  /** 0 none, 1 evaluated, 2 revised, 3 revision evaluated again. */
  readonly depth: 0 | 1 | 2 | 3;
}

/**
 * Reflects on an answer, `mostDepth` deep. The first step looks for faults,
 * the second puts each right where that improves the answer, the third looks
 * again and puts right what the revision brought about. Each fault is a pass
 * with critique, change and effect. A change that improves nothing is not
 * made, so that the answer never gets worse. Deterministic.
 */
export function reflect(draft: Draft, mostDepth: number): Reflection {
  if (mostDepth <= 0) return { content: draft.content, passes: [], depth: 0 };
  if (mostDepth === 1) return { content: draft.content, passes: numbered(unsolved(draft)), depth: 1 };
  const first = revise(draft);
  if (first.draft === draft) return { content: draft.content, passes: numbered(unsolved(draft)), depth: 1 };
  const last = mostDepth === 2 ? first : revise(first.draft);
  const passes = [...first.passes, ...(last === first ? [] : last.passes), ...unsolved(last.draft)];
  return { content: last.draft.content, passes: numbered(passes), depth: mostDepth === 2 ? 2 : 3 };
}

/** The faults of an answer as passes that change nothing. */
function unsolved(draft: Draft): ReflectionPass[] {
  const support = supportOf(draft);
  return critics
    .map((critic) => critic(draft))
    .filter((critique) => critique !== undefined)
    .map((critique) => pass(critique, "", support, support));
}

/** Puts right what can be, fault by fault; the same draft when nothing can. */
function revise(original: Draft): { readonly draft: Draft; readonly passes: readonly ReflectionPass[] } {
  const passes: ReflectionPass[] = [];
  let draft = original;
  for (const critic of critics) {
    const critique = critic(draft);
    const revision = critique && revisions[critique.name](draft);
    if (!revision) continue;
    const next = { ...draft, content: revision.content };
    if (critique.name !== "personal_data" && !improves(draft, next)) continue;
    passes.push(pass(critique, revision.change, supportOf(draft), supportOf(next)));
    draft = next;
  }
  return { draft, passes };
}

/** Whether the index rises, or the answer itself takes up more of the question at no loss. */
function improves(before: Draft, after: Draft): boolean {
  const [was, is] = [qualityOf(before), qualityOf(after)];
  return is > was || (is === was && directCoverage(after) > directCoverage(before));
}

function qualityOf({ question, content, evidence, idf }: Draft): number {
  return qualityIndex(qualityComponents({ question, content, passages: evidence, idf, ethics: 1 }));
}

/** Share of the question that the answer's own words take up. */
function directCoverage({ question, content, idf }: Draft): number {
  return coverage(termSet(question), termSet(content), idf) ?? 1;
}

function supportOf({ content, evidence, idf }: Draft): number {
  return assessSupport(content, evidence, idf).support;
}

function pass({ name, finding }: Critique, change: string, supportBefore: number, supportAfter: number) {
  return create(ReflectionPassSchema, { critique: name, finding, change, supportBefore, supportAfter });
}

function numbered(passes: readonly ReflectionPass[]): ReflectionPass[] {
  return passes.map((one, at) => ({ ...one, number: at + 1 }));
}
