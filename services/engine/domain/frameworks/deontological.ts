import { Basis } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { worstPenalty } from "../judges/severity.js";
import { type Framework, ruleIds } from "./framework.js";

/** Duties and prohibitions: 1 minus the penalty of the worst rule broken. Judges every text that the rules cover. */
export const deontological = {
  name: "deontological",
  weight: 1,
  weakness: "Knows only what the rules name; a harmful wish in unusual words breaks none.",
  evaluate({ violations, uncovered }) {
    if (violations.length > 0) {
      const evidence = `Prohibitions broken: ${ruleIds(violations)}.`;
      return { score: 1 - worstPenalty(violations), evidence, basis: Basis.RULES };
    }
    if (uncovered) return { evidence: `Cannot judge: ${uncovered}.`, basis: Basis.RULES };
    return { score: 1, evidence: "No prohibition broken.", basis: Basis.RULES };
  },
} as const satisfies Framework;
