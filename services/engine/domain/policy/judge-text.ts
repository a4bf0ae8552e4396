import { create } from "@bufbuild/protobuf";
import {
  FailureMode,
  type RuleFailure,
  RuleFailureSchema,
  RuleState,
  Scope,
  type Violation,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Judge, Judgement } from "../judges/judge.js";
import type { NotedOpinion, SecondOpinions } from "../judges/llm/llm-judge.js";
import type { TextReading } from "../models/text-model.js";
import type { ReadText } from "../run.js";
import { BudgetExceeded, raceBudget } from "../stage.js";
import type { Ruling, Told } from "./compile-rules.js";
import type { RequestFacts } from "./facts.js";
import type { EffectivePolicy } from "./policy.js";
import { type WeighedRuling, withSecondOpinion } from "./second-opinion.js";

/** What judging a text under a policy takes. */
export interface JudgeTextDeps {
  readonly judges: readonly Judge[];
  readonly policy: EffectivePolicy;
  readonly readText?: ReadText | undefined;
  /** How long the judges may take together, in milliseconds. */
  readonly budgetMs: number;
  /** Asks a language model after the judges; absent: nobody is asked. */
  readonly opinions?: SecondOpinions | undefined;
  /** Names of judges that hung on an earlier text of the request and are not asked again; grows. */
  readonly hung?: Set<string>;
}

/** A text to judge, masked. */
export interface TextUnderPolicy extends RequestFacts {
  readonly text: string;
  readonly scope: Scope;
  /** What was asked, masked, where the text belongs to an answer. */
  readonly question?: string;
}

/** What a text came to. */
export interface TextRuling extends Ruling {
  /** Why no judge speaks about the text; absent when one does. */
  readonly uncovered?: string;
  /** What a language model said; absent where it was not asked. */
  readonly noted?: NotedOpinion;
}

/** So much of a stage's time belongs to its judges; the rest is left to go on without one that hangs. */
const shareOfBudget = 0.8;

/**
 * Has every judge look at a text and the policy rule on what they told. A judge
 * that fails or hangs is a failure of each rule that stands on it, and of a rule
 * of its own, `judge.<name>`, where none does. Then a language model may be
 * asked, in its own time. Rejects when `signal` aborts.
 */
export async function judgeText(
  judged: TextUnderPolicy,
  { judges, policy, readText, budgetMs, opinions, hung = new Set() }: JudgeTextDeps,
  signal: AbortSignal,
): Promise<TextRuling> {
  const { text, scope, question } = judged;
  const look = async (judge: Judge): Promise<Attempt<Judgement>> => {
    if (hung.has(judge.name)) return { ok: false, late: true };
    const outcome = await attempt(() => judge.judge(text, detectedAs(scope), signal), budgetMs, signal);
    if (!outcome.ok && outcome.late) hung.add(judge.name);
    return outcome;
  };
  const read = () => (policy.asksForHeads ? readText?.(text) : undefined);
  const [outcomes, reading] = await Promise.all([
    Promise.all(judges.map(look)),
    attempt<TextReading | undefined>(read, budgetMs, signal),
  ]);
  signal.throwIfAborted();
  const told = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
  const failing = judges.filter((_, at) => outcomes[at]?.ok === false);
  const hits = told.flatMap(({ violations }) => violations.map((hit) => rescoped(hit, scope)));
  const all: Told = {
    facts: {
      ...judged,
      hits: hits.map(({ ruleId }) => ruleId),
      reading: reading.ok ? reading.value : undefined,
    },
    hits: hits.sort((a, b) => b.severity - a.severity),
    failed: new Set(failing.flatMap(({ detectors }) => detectors ?? [])),
    headsFailed: !reading.ok,
  };
  const ruled = policy.rule(all);
  const ruling: WeighedRuling = opinions
    ? await withSecondOpinion(ruled, all, { ...opinions, policy, question }, signal)
    : ruled;
  const failures = [...ruling.failures, ...failing.flatMap((judge) => ownFailure(judge, scope))];
  const violations = [...ruling.violations].sort((a, b) => b.severity - a.severity);
  const uncovered = uncoveredBy(told);
  return { ...ruling, violations, failures, ...(uncovered === undefined ? {} : { uncovered }) };
}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly late: boolean };

async function attempt<T>(
  work: () => T | Promise<T>,
  budgetMs: number,
  signal: AbortSignal,
): Promise<Attempt<T>> {
  try {
    const begun = work();
    // Most judges answer at once, for which no timer is worth its price.
    if (!(begun instanceof Promise)) return { ok: true, value: begun };
    return { ok: true, value: await raceBudget(budgetMs * shareOfBudget, signal, () => begun) };
  } catch (error) {
    return { ok: false, late: error instanceof BudgetExceeded };
  }
}

function ownFailure({ name, detectors }: Judge, scope: Scope): RuleFailure[] {
  if (detectors) return [];
  const closed = { failureMode: FailureMode.CLOSED, state: RuleState.ENFORCE };
  return [create(RuleFailureSchema, { ruleId: `judge.${name}`, scope, ...closed })];
}

/** What is handed to a tool is looked at as an answer is. */
function detectedAs(scope: Scope): Scope {
  return scope === Scope.TOOL_CALL ? Scope.OUTPUT : scope;
}

function rescoped(hit: Violation, scope: Scope): Violation {
  return hit.scope === scope || scope !== Scope.TOOL_CALL ? hit : { ...hit, scope };
}

function uncoveredBy(told: readonly Judgement[]): string | undefined {
  const reasons = told.map(({ uncovered }) => uncovered);
  return reasons.includes(undefined) ? undefined : (reasons[0] ?? "no judge could look");
}
