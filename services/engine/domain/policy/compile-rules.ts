import { create } from "@bufbuild/protobuf";
import {
  Basis,
  type FailureMode,
  type RuleFailure,
  RuleFailureSchema,
  RuleState,
  type Scope,
  Severity,
  type Violation,
  ViolationSchema,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Rule } from "#gen/ts/consciousness/policy/v1/policy_pb.js";
import { type Condition, compileCondition } from "./condition.js";
import { type ConditionFacts, conditionFacts, type TextFacts } from "./facts.js";
import { isModel } from "./shipped-policy.js";

/** What detectors told of one text. */
export interface Told {
  readonly facts: TextFacts;
  readonly hits: readonly Violation[];
  /** Detectors that could not look. */
  readonly failed: ReadonlySet<string>;
  /** Whether the heads could not be read though a condition asks for them. */
  readonly headsFailed: boolean;
}

/** What a policy makes of what detectors told. */
export interface Ruling {
  readonly violations: readonly Violation[];
  /** What rules in SHADOW would have raised. */
  readonly shadow: readonly Violation[];
  readonly failures: readonly RuleFailure[];
}

/** Rules, ready to rule. */
export interface RuleBook {
  /** Whether a condition asks for probabilities of heads. */
  readonly asksForHeads: boolean;
  /** The strongest state of a rule that hears a detector on texts of a scope; OFF without one. */
  stateOf(detector: string, scope: Scope): RuleState;
  /** What recommends a change, by rule; undefined for a rule that is not in it. */
  recommendation(ruleId: string): string | undefined;
  /** Rules on hits alone, of what was found in masking. */
  ruleOnHits(told: Told): Ruling;
  /** Rules on hits and on conditions: once for each text. */
  rule(told: Told): Ruling;
}

interface CompiledRule {
  readonly rule: Rule;
  readonly condition: Condition | undefined;
}

/** A ruling that is being made. */
interface Draft {
  readonly violations: Violation[];
  readonly shadow: Violation[];
  readonly failures: RuleFailure[];
}

const grounds = ["text", "personal_data", "agent_id", "context_keys"];

/** Compiles rules once. Throws when a condition is none. */
export function compileRules(rules: readonly Rule[]): RuleBook {
  const named = new Set(rules.map(({ detector }) => detector));
  const counting = rules
    .filter(({ state }) => state !== RuleState.OFF)
    .map((rule): CompiledRule => {
      return { rule, condition: rule.condition === "" ? undefined : compileCondition(rule.condition) };
    });
  const byDetector = new Map<string, CompiledRule[]>();
  for (const one of counting) {
    if (one.rule.detector === "") continue;
    byDetector.set(one.rule.detector, [...(byDetector.get(one.rule.detector) ?? []), one]);
  }
  const free = counting.filter(({ rule }) => rule.detector === "");
  const recommendations = new Map(rules.map(({ id, recommendation }) => [id, recommendation]));

  const ruleOnHits = (told: Told, ruling: Draft, facts: () => ConditionFacts) => {
    for (const hit of told.hits) {
      // What no rule speaks about counts as its detector says, so that nothing is lost.
      if (!named.has(hit.ruleId)) ruling.violations.push(hit);
      for (const one of byDetector.get(hit.ruleId) ?? []) judgeHit(one, hit, told, ruling, facts);
    }
    for (const detector of told.failed) {
      for (const { rule } of byDetector.get(detector) ?? []) fail(rule, told.facts.scope, ruling);
    }
  };

  return {
    asksForHeads: counting.some(({ condition }) => condition?.facts.has("heads")),
    stateOf: (detector, scope) => strongestState(byDetector.get(detector) ?? [], scope),
    recommendation: (ruleId) => recommendations.get(ruleId),
    ruleOnHits(told) {
      const ruling = emptyRuling();
      ruleOnHits(told, ruling, factsOnce(told.facts));
      return ruling;
    },
    rule(told) {
      const ruling = emptyRuling();
      const facts = factsOnce(told.facts);
      ruleOnHits(told, ruling, facts);
      for (const one of free) judgeText(one, told, ruling, facts);
      return ruling;
    },
  };
}

function strongestState(rules: readonly CompiledRule[], scope: Scope): RuleState {
  const hearing = rules.filter(({ rule }) => rule.scopes.includes(scope));
  return hearing.reduce((most, { rule }) => Math.max(most, rule.state), RuleState.OFF);
}

function emptyRuling(): Draft {
  return { violations: [], shadow: [], failures: [] };
}

function factsOnce(facts: TextFacts): () => ConditionFacts {
  let made: ConditionFacts | undefined;
  return () => {
    made ??= conditionFacts(facts);
    return made;
  };
}

function judgeHit(
  { rule, condition }: CompiledRule,
  hit: Violation,
  told: Told,
  ruling: Draft,
  facts: () => ConditionFacts,
): void {
  if (!rule.scopes.includes(hit.scope)) return;
  if (condition && holds(condition, rule, told, ruling, facts) !== true) return;
  const graver = rule.severity || hit.severity;
  // A model below its threshold of false positives stays a warning, whatever the rule says.
  const severity =
    isModel(rule.detector) && hit.severity < Severity.HIGH ? least(graver, hit.severity) : graver;
  note(rule, { ...hit, ruleId: rule.id, message: rule.message, severity }, ruling);
}

function judgeText(
  { rule, condition }: CompiledRule,
  told: Told,
  ruling: Draft,
  facts: () => ConditionFacts,
): void {
  const { scope } = told.facts;
  if (!condition || !rule.scopes.includes(scope)) return;
  if (holds(condition, rule, told, ruling, facts) !== true) return;
  const alone = isWordOfModels(condition, told.hits);
  const violation = {
    ruleId: rule.id,
    category: "policy",
    severity: alone ? least(rule.severity, Severity.MEDIUM) : rule.severity,
    scope,
    message: rule.message,
    spans: [],
    basis: alone ? basisOf(told.hits) : Basis.RULES,
  };
  note(rule, violation, ruling);
}

/** Whether a condition holds; undefined, with a failure noted, when that cannot be told. */
function holds(
  condition: Condition,
  rule: Rule,
  told: Told,
  ruling: Draft,
  facts: () => ConditionFacts,
): boolean | undefined {
  const wants = (fact: string) => condition.facts.has(fact);
  const blind = (wants("hits") && told.failed.size > 0) || (wants("heads") && told.headsFailed);
  try {
    if (!blind) return condition.holds(facts());
  } catch {
    // Told below: a condition that cannot be looked at is as good as blind.
  }
  fail(rule, told.facts.scope, ruling);
  return undefined;
}

/** Whether a condition stands on models alone, none of them above its blocking threshold. */
function isWordOfModels({ facts }: Condition, hits: readonly Violation[]): boolean {
  if (!facts.has("heads") && !facts.has("hits")) return false;
  if (grounds.some((fact) => facts.has(fact))) return false;
  return hits.every(({ basis, severity }) => basis !== Basis.RULES && severity < Severity.HIGH);
}

function basisOf(hits: readonly Violation[]): Basis {
  return hits.some(({ basis }) => basis === Basis.LLM) ? Basis.LLM : Basis.MODEL;
}

function note(rule: Rule, violation: Omit<Violation, "$typeName">, ruling: Draft): void {
  const noted = rule.state === RuleState.SHADOW ? ruling.shadow : ruling.violations;
  noted.push(create(ViolationSchema, violation));
}

function fail({ id: ruleId, failureMode, state, scopes }: Rule, scope: Scope, ruling: Draft): void {
  if (!scopes.includes(scope)) return;
  ruling.failures.push(
    create(RuleFailureSchema, { ruleId, scope, failureMode: failureMode as FailureMode, state }),
  );
}

function least(a: Severity, b: Severity): Severity {
  return a < b ? a : b;
}
