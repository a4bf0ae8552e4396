import { create } from "@bufbuild/protobuf";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import {
  type DecisionOutcome,
  DecisionOutcomeSchema,
  type OutcomeDifference,
  OutcomeDifferenceSchema,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import {
  type Opinion,
  Scope,
  Severity,
  Verdict,
  type Violation,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { blockingThresholds } from "../judges/severity.js";
import { inShort as inWords } from "../policy/tell-opinion.js";

/** What a decision came to, in short. */
export function outcomeOf(decision: Decision, { open = false } = {}): DecisionOutcome {
  const { ethicalEvaluation, verdict, consciousnessQuality, confidenceLevel } = decision;
  const { overallScore, policyDigest = "", detectorsDigest = "", violations = [] } = ethicalEvaluation ?? {};
  return create(DecisionOutcomeSchema, {
    verdict: open ? Verdict.UNSPECIFIED : verdict,
    policyDigest,
    detectorsDigest,
    violations,
    ...(overallScore === undefined ? {} : { overallScore }),
    ...(consciousnessQuality === undefined ? {} : { consciousnessQuality }),
    ...(confidenceLevel === undefined ? {} : { confidenceLevel }),
  });
}

/** What differs between a decision and what judging it again came to, by name. */
export function differences(before: Decision, after: Decision): OutcomeDifference[] {
  const was = factsOf(before);
  const is = factsOf(after);
  const fields = [...new Set([...was.keys(), ...is.keys()])];
  return fields.flatMap((field) => {
    const [a, b] = [was.get(field) ?? "", is.get(field) ?? ""];
    return a === b ? [] : [create(OutcomeDifferenceSchema, { field, before: a, after: b })];
  });
}

/** Everything that is compared, each under its name, gravest matters first. */
function factsOf(decision: Decision): Map<string, string> {
  const { ethicalEvaluation: evaluation } = decision;
  const facts = new Map<string, string>([
    ["verdict", Verdict[decision.verdict] ?? ""],
    ["content", decision.content],
    ["policy_digest", evaluation?.policyDigest ?? ""],
    ["detectors_digest", evaluation?.detectorsDigest ?? ""],
    ["overall_score", figure(evaluation?.overallScore)],
    ["consciousness_quality", figure(decision.consciousnessQuality)],
    ["confidence_level", figure(decision.confidenceLevel)],
  ]);
  for (const [name, hits] of byRule(evaluation?.violations ?? [])) {
    facts.set(`rule ${name}`, hits.map(inShort).sort().join(", "));
    facts.set(`threshold ${name}`, [...new Set(hits.map(threshold))].join(", "));
  }
  const shadow = evaluation?.shadow.flatMap(({ violation }) => (violation ? [violation] : [])) ?? [];
  for (const [name, hits] of byRule(shadow)) facts.set(`shadow ${name}`, hits.map(inShort).sort().join(", "));
  for (const [scope, opinions] of byScope(evaluation?.opinions ?? [])) {
    facts.set(`opinion ${scope}`, opinions.map(inWords).sort().join("; "));
  }
  for (const { framework, score } of evaluation?.frameworkScores ?? []) {
    facts.set(`framework ${framework}`, figure(score));
  }
  return facts;
}

function byScope(opinions: readonly Opinion[]): Map<string, Opinion[]> {
  const scopes = new Map<string, Opinion[]>();
  for (const one of opinions) {
    const name = Scope[one.scope] ?? "";
    scopes.set(name, [...(scopes.get(name) ?? []), one]);
  }
  return scopes;
}

function byRule(violations: readonly Violation[]): Map<string, Violation[]> {
  const rules = new Map<string, Violation[]>();
  for (const one of violations) rules.set(one.ruleId, [...(rules.get(one.ruleId) ?? []), one]);
  return rules;
}

function inShort({ scope, severity }: Violation): string {
  return `${Severity[severity]} in ${Scope[scope]}`;
}

/** The strictness from which a hit blocks. */
function threshold({ severity }: Violation): string {
  const from = blockingThresholds[severity];
  return from > 1 ? "never blocks" : `blocks from ${from}`;
}

function figure(value: number | undefined): string {
  return value === undefined ? "" : String(value);
}
