import { clone } from "@bufbuild/protobuf";
import { FailureMode, RuleState, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { type Rule, RuleSchema } from "#gen/ts/consciousness/policy/v1/policy_pb.js";
import { compileCondition } from "./condition.js";
import { type PolicyDocument, PolicyProblem } from "./read-policy.js";
import { detectorScopes } from "./shipped-policy.js";

/** A document loosens a rule that it may not loosen. */
export class PolicyLoosened extends Error {
  override readonly name = "PolicyLoosened";

  constructor(
    readonly ruleId: string,
    readonly problem: string,
  ) {
    super(`${ruleId}: ${problem}`);
  }
}

/** Whose document lies above: the operator may loosen any rule, others those that are overridable. */
export type Author = "operator" | "tenant" | "agent";

/**
 * Lays a document above rules, by the ids of its rules. Throws PolicyProblem for
 * a rule that does not stand on its own, and PolicyLoosened for one that goes
 * below what it may; given `leaveOut`, it tells of such rules and goes on.
 */
export function layAbove(
  below: readonly Rule[],
  { policy, lineOf }: PolicyDocument,
  author: Author,
  leaveOut?: (why: string) => void,
): readonly Rule[] {
  const rules = new Map(below.map((rule) => [rule.id, rule]));
  const seen = new Set<string>();
  policy.rules.forEach((changes, at) => {
    const line = lineOf(`rules[${at}]`);
    if (changes.id === "") throw new PolicyProblem(line, "the rule has no id");
    if (seen.has(changes.id)) throw new PolicyProblem(line, `${changes.id} stands there twice`);
    seen.add(changes.id);
    try {
      rules.set(changes.id, above(rules.get(changes.id), changes, author, line));
    } catch (error) {
      if (!leaveOut || !(error instanceof PolicyProblem || error instanceof PolicyLoosened)) throw error;
      leaveOut(error.message);
    }
  });
  return [...rules.values()];
}

function above(known: Rule | undefined, changes: Rule, author: Author, line: number): Rule {
  const changed = withDefaults(withChanges(known, changes));
  requireWhole(changed, line);
  if (known && author !== "operator" && !known.overridable) requireNoLooser(known, changed);
  return changed;
}

function withChanges(known: Rule | undefined, changes: Rule): Rule {
  const next = clone(RuleSchema, known ?? changes);
  if (!known) return next;
  if (changes.scopes.length > 0) next.scopes = [...changes.scopes];
  if (changes.overridable !== undefined) next.overridable = changes.overridable;
  for (const field of ["detector", "condition", "message", "recommendation"] as const) {
    if (changes[field] !== "") next[field] = changes[field];
  }
  next.severity = changes.severity || known.severity;
  next.state = changes.state || known.state;
  next.failureMode = changes.failureMode || known.failureMode;
  return next;
}

function withDefaults(rule: Rule): Rule {
  return Object.assign(rule, {
    state: rule.state || RuleState.ENFORCE,
    failureMode: rule.failureMode || FailureMode.CLOSED,
    overridable: rule.overridable ?? false,
  });
}

function requireWhole({ scopes, detector, condition, severity, message }: Rule, line: number): void {
  const refuse = (problem: string) => {
    throw new PolicyProblem(line, problem);
  };
  if (scopes.length === 0) refuse("a new rule needs scopes");
  if (detector === "" && condition === "") refuse("a new rule needs a detector or a condition");
  if (detector === "" && severity === Severity.UNSPECIFIED)
    refuse("a rule without a detector needs a severity");
  if (message === "") refuse("a new rule needs a message");
  const looked = detector === "" ? undefined : detectorScopes.get(detector);
  if (detector !== "" && !looked) refuse(`there is no detector ${detector}`);
  if (looked && scopes.some((scope) => !looked.has(scope))) {
    refuse(`the detector ${detector} does not look at each of the scopes`);
  }
  if (condition === "") return;
  try {
    compileCondition(condition);
  } catch (error) {
    refuse(`the condition cannot be: ${error instanceof Error ? error.message : "unreadable"}`);
  }
}

function requireNoLooser(below: Rule, next: Rule): void {
  const problems: readonly (readonly [boolean, string])[] = [
    [next.state < below.state, `it is ${RuleState[below.state]}`],
    [strength(next) < strength(below), `it is ${Severity[strength(below)]}`],
    [next.failureMode < below.failureMode, "it fails closed"],
    [below.scopes.some((scope) => !next.scopes.includes(scope)), "it judges more scopes"],
    [next.condition !== below.condition, "its condition is fixed"],
    [next.detector !== below.detector, "its detector is fixed"],
    [next.overridable === true, "it is not overridable"],
  ];
  const problem = problems.find(([broken]) => broken);
  if (problem) throw new PolicyLoosened(below.id, problem[1]);
}

/** A model says HIGH at most. */
function strength({ severity }: Rule): Severity {
  return severity || Severity.HIGH;
}
