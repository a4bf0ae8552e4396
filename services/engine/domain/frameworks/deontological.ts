import { Basis } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { worstPenalty } from "../judges/severity.js";
import { type Framework, type FrameworkView, ruleIds, scoreByHead } from "./framework.js";
import type { ModelView } from "./model-view.js";

/**
 * Duties and prohibitions: 1 minus the penalty of the worst rule broken, and at
 * most 1 minus the calibrated probability of a violation. Judges every text
 * that the rules cover.
 */
export const deontological = {
  name: "deontological",
  weight: 1,
  weakness:
    "Knows what the rules name and the heads were taught; a harmful wish in unusual words breaks none.",
  evaluate({ violations, uncovered, model }) {
    if (violations.length > 0) {
      const evidence = `Prohibitions broken: ${ruleIds(violations)}.`;
      const score = Math.min(1 - worstPenalty(violations), ceilingOf(model));
      return { score, evidence, basis: Basis.RULES };
    }
    if (uncovered) return { evidence: `Cannot judge: ${uncovered}.`, basis: Basis.RULES };
    if (!model) return { score: 1, evidence: "No prohibition broken.", basis: Basis.RULES };
    return viewOf(model);
  },
} as const satisfies Framework;

function viewOf(model: ModelView): FrameworkView {
  const { head, probability } = model.violation;
  const excuse = scoreByHead("deontology", model);
  const score = Math.min(ceilingOf(model), excuse?.score ?? 1);
  const seen = `No prohibition broken; the likeliest violation is ${head} with ${probability.toFixed(3)}.`;
  return { score, evidence: excuse ? `${seen} ${excuse.evidence}` : seen, basis: Basis.MODEL };
}

function ceilingOf(model: ModelView | undefined): number {
  return model ? 1 - model.violation.probability : 1;
}
