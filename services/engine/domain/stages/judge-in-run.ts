import type { Scope, Violation } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { StageName } from "../../config.js";
import type { NotedOpinion } from "../judges/llm/llm-judge.js";
import { requireChecked } from "../policy/checked.js";
import type { Ruling } from "../policy/compile-rules.js";
import type { RequestFacts } from "../policy/facts.js";
import { judgeText, type TextRuling } from "../policy/judge-text.js";
import { opinionStep } from "../policy/tell-opinion.js";
import type { PipelineDeps, Run } from "../run.js";

/** A text of a run, and the stage that has it judged. */
export interface JudgedInRun {
  /** Masked. */
  readonly text: string;
  readonly scope: Scope;
  readonly stage: StageName;
}

/** Has a text judged under the run's policy, and notes what that leaves beside violations. */
export async function judgeInRun(
  { text, scope, stage }: JudgedInRun,
  run: Run,
  { judges, readText, budgets }: PipelineDeps,
  signal: AbortSignal,
): Promise<TextRuling> {
  const { policy } = run.request;
  const { hung, secondOpinions: opinions } = run;
  const deps = { judges, policy, readText, budgetMs: budgets[stage], hung, opinions };
  // The input is judged by itself, and so is each text that comes with it.
  const within = stage === "screen_input" ? {} : { question: run.question };
  const ruling = await judgeText({ ...requestFacts(run), ...within, text, scope }, deps, signal);
  note(ruling, run);
  if (ruling.noted) noteOpinion(ruling.noted, stage, text, run);
  return ruling;
}

/** Has the policy rule on personal data that was found in a text of a run, and notes all of it. */
export function ruleOnMasked(text: string, hits: readonly Violation[], scope: Scope, run: Run): void {
  if (hits.length === 0) return;
  const facts = { ...requestFacts(run), text, scope, hits: hits.map(({ ruleId }) => ruleId) };
  const none: ReadonlySet<string> = new Set();
  const ruling = run.request.policy.ruleOnHits({ facts, hits, failed: none, headsFailed: false });
  run.violations.push(...ruling.violations);
  note(ruling, run);
  requireChecked(ruling);
}

/** Notes what does not count, each failure once for a rule and a scope. */
function note({ shadow, failures }: Ruling, run: Run): void {
  run.shadow.push(...shadow);
  for (const one of failures) {
    const known = run.failures.some(({ ruleId, scope }) => ruleId === one.ruleId && scope === one.scope);
    if (!known) run.failures.push(one);
  }
}

/** Notes what a language model said, each text once. */
function noteOpinion(noted: NotedOpinion, stage: StageName, text: string, run: Run): void {
  if (run.opinions.some(({ digest }) => digest === noted.digest)) return;
  run.opinions.push(noted);
  run.steps.push(opinionStep(stage, text, noted.opinion));
}

function requestFacts({ request, context }: Run): RequestFacts {
  return {
    agentId: request.responder.agentId,
    contextKeys: Object.keys(context),
    strictness: request.options.ethicalStrictness,
  };
}
