import { Basis, type Violation } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { FrameworkName } from "../judges/rule.js";
import { rulesById } from "../judges/rules/catalogue.js";
import { worstPenalty } from "../judges/severity.js";
import type { EthicsHead } from "../models/heads.js";
import type { ModelView } from "./model-view.js";

/** What a framework looks at. */
export interface FrameworkInput {
  /** What is asked or judged, masked. */
  readonly text: string;
  /** Every rule that was hit, wherever. */
  readonly violations: readonly Violation[];
  /** Why no judge speaks about the text; absent when one does. */
  readonly uncovered?: string | undefined;
  /** What the trained heads say; absent without models, or where they cannot judge. */
  readonly model?: ModelView | undefined;
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

/**
 * The view of a head of ethics, drawn half-way to 1, since these heads are weak;
 * no score where the head cannot speak.
 */
export function scoreByHead(head: EthicsHead, model: ModelView | undefined): FrameworkView | undefined {
  const acceptable = model?.ethics[head];
  if (acceptable === undefined) return undefined;
  const evidence = `The ${head} head finds what is told acceptable with ${acceptable.toFixed(2)}; a weak sign.`;
  return { score: 0.5 + acceptable / 2, evidence, basis: Basis.MODEL };
}

/** The ids of the rules that were hit, each once. */
export function ruleIds(violations: readonly Violation[]): string {
  return [...new Set(violations.map(({ ruleId }) => ruleId))].join(", ");
}
