import { create } from "@bufbuild/protobuf";
import {
  Basis,
  FailureMode,
  type Opinion,
  OpinionOutcome,
  OpinionSchema,
  type RuleFailure,
  RuleFailureSchema,
  RuleState,
  Scope,
  Severity,
  type Violation,
  ViolationSchema,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { type AskOpinion, type NotedOpinion, opinionDigest } from "../judges/llm/llm-judge.js";
import { llmDetectors, llmRules } from "../judges/rules/llm.js";
import { blocks } from "../judges/severity.js";
import type { RuleBook, Ruling, Told } from "./compile-rules.js";

/** Whom to ask, and under which policy. */
export interface SecondOpinionDeps {
  readonly ask: AskOpinion;
  /** See `LlmJudge`. */
  readonly failsClosed: boolean;
  readonly policy: RuleBook;
  /** What was asked, masked, where the text belongs to an answer. */
  readonly question?: string | undefined;
}

/** A ruling, and the opinion that it takes into account; absent where nobody was asked. */
export interface WeighedRuling extends Ruling {
  readonly noted?: NotedOpinion;
}

/**
 * Asks for an opinion on a text that rules and heads have judged, where that may
 * still change something, and weighs it. Rejects when `signal` aborts.
 */
export async function withSecondOpinion(
  ruling: Ruling,
  told: Told,
  { ask, question, ...deps }: SecondOpinionDeps,
  signal: AbortSignal,
): Promise<WeighedRuling> {
  const { text, scope } = told.facts;
  if (!isListenedTo(scope, deps.policy) || isSettled(ruling, told)) return ruling;
  const about = { text, scope, question };
  const opinion = await ask({ ...about, uncertain: ruling.violations.some(isWordOfModels) }, signal);
  if (!opinion) return ruling;
  const weighed = weighOpinion(ruling, opinion, told, deps);
  return { ...weighed.ruling, noted: { digest: opinionDigest(about), opinion: weighed.opinion } };
}

/**
 * What an opinion makes of a ruling. It adds hits of the model's rules, as the
 * policy counts them, or lowers warnings of heads to notes. Whatever else
 * stands in the ruling stands in the result, at least as grave.
 */
export function weighOpinion(
  ruling: Ruling,
  given: Opinion,
  told: Told,
  { policy, failsClosed }: Pick<SecondOpinionDeps, "policy" | "failsClosed">,
): { readonly ruling: Ruling; readonly opinion: Opinion } {
  const opinion = create(OpinionSchema, { ...given, loweredRules: [] });
  if (opinion.outcome === OpinionOutcome.FAILED) {
    const failures = [...ruling.failures, ...failuresOf(told, policy, failsClosed)];
    return { ruling: { ...ruling, failures }, opinion };
  }
  const hits = hitsOf(opinion, told.facts.scope);
  if (hits.length > 0) return { ruling: ruleAgain(ruling, hits, told, policy), opinion };
  if (!mayLower(opinion, ruling, told.facts.scope, policy)) return { ruling, opinion };
  const lowered = ruling.violations.filter(isWarningOfHead);
  return {
    ruling: {
      ...ruling,
      violations: ruling.violations.map((one) => (isWarningOfHead(one) ? asNote(one) : one)),
    },
    opinion: { ...opinion, loweredRules: [...new Set(lowered.map(({ ruleId }) => ruleId))] },
  };
}

/** Whether the policy has a rule that hears the model on texts of a scope. */
function isListenedTo(scope: Scope, { stateOf }: RuleBook): boolean {
  return [...llmDetectors].some((detector) => stateOf(detector, scope) > RuleState.OFF);
}

/** Whether no opinion could change what becomes of the text: it is blocked, or left out, whatever a model says. */
function isSettled({ violations }: Ruling, { facts: { scope, strictness } }: Told): boolean {
  if (scope === Scope.EVIDENCE) return violations.length > 0;
  return violations.some((one) => !isWarningOfHead(one) && blocks(one, strictness));
}

function isWordOfModels({ basis, severity }: Violation): boolean {
  return basis === Basis.MODEL && severity < Severity.HIGH;
}

/** A head's own warning about harm. What a policy's conditions say of heads is the policy's word. */
function isWarningOfHead(violation: Violation): boolean {
  return isWordOfModels(violation) && violation.category === "harm" && violation.severity > Severity.LOW;
}

function asNote(violation: Violation): Violation {
  return create(ViolationSchema, { ...violation, severity: Severity.LOW, loweredFrom: violation.severity });
}

/** What might steer an agent might steer the model that judges it, so that its word does not help such a text. */
function mayLower({ lowers }: Opinion, { violations }: Ruling, scope: Scope, { stateOf }: RuleBook): boolean {
  const heard = stateOf(llmRules.harm.id, scope) === RuleState.ENFORCE;
  return lowers && heard && !violations.some(({ category }) => category === "injection");
}

function hitsOf({ categories, severity }: Opinion, scope: Scope): Violation[] {
  if (severity === undefined) return [];
  const injects = categories.includes("injection");
  const harms = categories.some((one) => one !== "injection");
  const hit = [...(harms ? [llmRules.harm] : []), ...(injects ? [llmRules.injection] : [])];
  return hit.map(({ id: ruleId, category, message }) =>
    create(ViolationSchema, { ruleId, category, message, severity, scope, basis: Basis.LLM }),
  );
}

/** Rules once more, so that conditions on hits see those of the model as well. */
function ruleAgain(ruling: Ruling, hits: readonly Violation[], told: Told, policy: RuleBook): Ruling {
  const again = policy.rule({
    ...told,
    facts: { ...told.facts, hits: [...told.facts.hits, ...hits.map(({ ruleId }) => ruleId)] },
    hits: [...told.hits, ...hits],
  });
  const known = new Set(ruling.failures.map(({ ruleId }) => ruleId));
  return {
    violations: noLess(ruling.violations, again.violations),
    shadow: noLess(ruling.shadow, again.shadow),
    failures: [...ruling.failures, ...again.failures.filter(({ ruleId }) => !known.has(ruleId))],
  };
}

/** The second list, with what the first has and it lacks: a condition may ask that nothing hit. */
function noLess(before: readonly Violation[], after: readonly Violation[]): Violation[] {
  const stays = (one: Violation) =>
    !after.some(({ ruleId, severity }) => ruleId === one.ruleId && severity >= one.severity);
  return [...after, ...before.filter(stays)];
}

function failuresOf({ facts }: Told, policy: RuleBook, failsClosed: boolean): RuleFailure[] {
  const { failures } = policy.ruleOnHits({ facts, hits: [], failed: llmDetectors, headsFailed: false });
  const closed = { failureMode: FailureMode.CLOSED };
  return failsClosed
    ? failures.map((one) => create(RuleFailureSchema, { ...one, ...closed }))
    : [...failures];
}
