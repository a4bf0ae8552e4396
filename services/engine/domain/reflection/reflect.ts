import { create } from "@bufbuild/protobuf";
import {
  type ReflectionPass,
  ReflectionPassSchema,
  ReflectionStop,
} from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { qualityComponents, qualityIndex } from "../quality.js";
import { termSet } from "../retrieval/terms.js";
import { coverage } from "../support.js";
import { type Critique, critics, type Draft } from "./critique.js";
import { revisions } from "./revise.js";

/** What reflection did to an answer. */
export interface Reflection {
  /** The answer as the last pass left it. */
  readonly content: string;
  readonly passes: readonly ReflectionPass[];
  /** 0 none, 1 evaluated, 2 revised, 3 revision evaluated again. */
  readonly depth: 0 | 1 | 2 | 3;
  /** Why it went no further. */
  readonly stop: ReflectionStop;
}

const { NOTHING_TO_CRITICISE, NOTHING_IMPROVED, DEPTH_REACHED } = ReflectionStop;

/**
 * Reflects on an answer, `mostDepth` deep. The first step looks for faults,
 * the second puts each right where that improves the answer, the third looks
 * again and puts right what the revision brought about. Each fault is a pass
 * with critique, change and effect. A change that improves nothing is not
 * made, so that the answer never gets worse. Deterministic.
 */
export function reflect(draft: Draft, mostDepth: number): Reflection {
  if (mostDepth <= 0) return { content: draft.content, passes: [], depth: 0, stop: DEPTH_REACHED };
  if (mostDepth === 1) return reflection(1, unchanged(draft), DEPTH_REACHED);
  const first = revise(draft);
  if (first.draft === draft) return reflection(1, first, NOTHING_IMPROVED);
  if (mostDepth === 2) return reflection(2, first, DEPTH_REACHED);
  const last = revise(first.draft);
  const all = { draft: last.draft, passes: [...first.passes, ...last.passes] };
  return reflection(3, all, last.draft === first.draft ? NOTHING_IMPROVED : DEPTH_REACHED);
}

interface Revised {
  readonly draft: Draft;
  readonly passes: readonly ReflectionPass[];
}

const unchanged = (draft: Draft): Revised => ({ draft, passes: [] });

/** `withFaults` is why it went no further when faults are left. */
function reflection(
  depth: Reflection["depth"],
  { draft, passes }: Revised,
  withFaults: ReflectionStop,
): Reflection {
  const left = unsolved(draft);
  const stop = left.length === 0 ? NOTHING_TO_CRITICISE : withFaults;
  return { content: draft.content, passes: numbered([...passes, ...left]), depth, stop };
}

/** The faults of an answer as passes that change nothing. */
function unsolved(draft: Draft): ReflectionPass[] {
  return critics
    .map((critic) => critic(draft))
    .filter((critique) => critique !== undefined)
    .map((critique) => pass(critique, "", draft, draft));
}

/** Puts right what can be, fault by fault; the same draft when nothing can. */
function revise(original: Draft): Revised {
  const passes: ReflectionPass[] = [];
  let draft = original;
  for (const critic of critics) {
    const critique = critic(draft);
    const revision = critique && revisions[critique.name](draft);
    if (!revision) continue;
    const next = { ...draft, content: revision.content };
    if (critique.name !== "personal_data" && !improves(measure(draft), measure(next))) continue;
    passes.push(pass(critique, revision.change, draft, next));
    draft = next;
  }
  return { draft, passes };
}

/** What an answer is measured by, each 0..1. */
interface Measured {
  readonly support: number;
  /** The index of quality, its ethics taken as 1. */
  readonly quality: number;
  /** Share of the question that the answer's own words take up. */
  readonly coverage: number;
}

const measured = new WeakMap<Draft, Measured>();

function measure(draft: Draft): Measured {
  const known = measured.get(draft) ?? measureAnew(draft);
  measured.set(draft, known);
  return known;
}

function measureAnew({ question, content, evidence, idf }: Draft): Measured {
  const components = qualityComponents({ question, content, passages: evidence, idf, ethics: 1 });
  return {
    support: components.support,
    quality: qualityIndex(components),
    coverage: coverage(termSet(question), termSet(content), idf) ?? 1,
  };
}

/** Whether the index rises, or the answer itself takes up more of the question at no loss. */
function improves(before: Measured, after: Measured): boolean {
  return (
    after.quality > before.quality || (after.quality === before.quality && after.coverage > before.coverage)
  );
}

function pass({ name, finding }: Critique, change: string, draft: Draft, next: Draft): ReflectionPass {
  const [before, after] = [measure(draft), measure(next)];
  return create(ReflectionPassSchema, {
    critique: name,
    finding,
    change,
    supportBefore: before.support,
    supportAfter: after.support,
    qualityBefore: before.quality,
    qualityAfter: after.quality,
    coverageBefore: before.coverage,
    coverageAfter: after.coverage,
  });
}

function numbered(passes: readonly ReflectionPass[]): ReflectionPass[] {
  return passes.map((one, at) => ({ ...one, number: at + 1 }));
}
