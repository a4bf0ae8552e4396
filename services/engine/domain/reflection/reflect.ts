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
 * again at what became of it. Each fault is a pass with critique, change and
 * effect. A change that improves nothing is not made, so that the answer never
 * gets worse. Deterministic.
 */
export function reflect(draft: Draft, mostDepth: number): Reflection {
  if (mostDepth <= 0) return { content: draft.content, passes: [], depth: 0 };
  if (mostDepth === 1) return { content: draft.content, passes: numbered(critiques(draft, [])), depth: 1 };
  const revised = revise(draft);
  if (revised.draft.content === draft.content)
    return { content: draft.content, passes: numbered(revised.passes), depth: 1 };
  if (mostDepth === 2) return { content: revised.draft.content, passes: numbered(revised.passes), depth: 2 };
  const passes = [...revised.passes, ...critiques(revised.draft, revised.unsolved)];
  return { content: revised.draft.content, passes: numbered(passes), depth: 3 };
}

/** The passes of an evaluation that changes nothing, without faults already reported as unsolved. */
function critiques(draft: Draft, reported: readonly string[]): ReflectionPass[] {
  const support = supportOf(draft);
  return critics
    .map((critic) => critic(draft))
    .filter((critique) => critique !== undefined)
    .filter(({ name }) => !reported.includes(name))
    .map((critique) => pass(critique, "", support, support));
}

function revise(original: Draft) {
  const passes: ReflectionPass[] = [];
  const unsolved: string[] = [];
  let draft = original;
  for (const critic of critics) {
    const critique = critic(draft);
    if (!critique) continue;
    const before = supportOf(draft);
    const revision = revisions[critique.name](draft);
    const next = revision && { ...draft, content: revision.content };
    if (next && (critique.name === "personal_data" || improves(draft, next))) {
      passes.push(pass(critique, revision.change, before, supportOf(next)));
      draft = next;
    } else {
      passes.push(pass(critique, "", before, before));
      unsolved.push(critique.name);
    }
  }
  return { draft, passes, unsolved };
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
