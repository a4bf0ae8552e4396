import { Basis, type Violation } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { FrameworkName } from "../judges/rule.js";
import { rulesById } from "../judges/rules/catalogue.js";
import { worstPenalty } from "../judges/severity.js";

/** What a framework looks at. */
export interface FrameworkInput {
  /** What is asked or judged, masked. */
  readonly text: string;
  /** Every rule that was hit, wherever. */
  readonly violations: readonly Violation[];
  /** Why no judge speaks about the text; absent when one does. */
  readonly uncovered?: string | undefined;
}

/** What a framework says. */
export interface FrameworkView {
  /** 0..1, 1 is fine; absent when it cannot judge. */
  readonly score?: number;
  /** What it saw, without the text itself. */
  readonly evidence: string;
  readonly basis: Basis;
}

/** One ethical framework. */
export interface Framework {
  readonly name: FrameworkName;
  /** Weight in the overall score, above 0. */
  readonly weight: number;
  /** Where it is known to be weak. */
  readonly weakness: string;
  evaluate(input: FrameworkInput): FrameworkView;
}

/** The violations of rules about which a framework has something to say. */
export function concerning(name: FrameworkName, violations: readonly Violation[]): Violation[] {
  return violations.filter(({ ruleId }) => rulesById.get(ruleId)?.frameworks.includes(name));
}

/** 1 minus the worst penalty among hits, or no score when there is none to judge by. */
export function scoreByHits(hits: readonly Violation[], concern: string): FrameworkView {
  if (hits.length === 0) return { evidence: `No sign of ${concern}.`, basis: Basis.RULES };
  return {
    score: 1 - worstPenalty(hits),
    evidence: `Signs of ${concern}: ${ruleIds(hits)}.`,
    basis: Basis.RULES,
  };
}

/** The ids of the rules that were hit, each once. */
export function ruleIds(violations: readonly Violation[]): string {
  return [...new Set(violations.map(({ ruleId }) => ruleId))].join(", ");
}
