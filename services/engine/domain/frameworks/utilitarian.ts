import { Basis } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { worstPenalty } from "../judges/severity.js";
import { stem } from "../retrieval/stem.js";
import { contentTerms } from "../retrieval/terms.js";
import { concerning, type Framework, ruleIds, scoreByHead } from "./framework.js";

const benefits = new Set(
  "prevent protect rescue heal treat cure recover safety safe vaccinate donate volunteer accessible teach learn educate care comfort"
    .split(" ")
    .map(stem),
);

/**
 * Benefit minus harm of answering, against declining, which has neither.
 * Benefit is 1 when the text names a benefit to people, harm is the worst
 * penalty of a harm rule; the difference, -1..1, is mapped to 0..1. No score
 * when there is a sign of neither.
 */
export const utilitarian = {
  name: "utilitarian",
  weight: 0.5,
  weakness: "Sees named benefits and rule hits only, not how many people are affected or how likely it is.",
  evaluate({ text, violations, model }) {
    const hits = concerning("utilitarian", violations);
    const named = contentTerms(text).filter(({ term }) => benefits.has(term)).length;
    if (hits.length === 0 && named === 0)
      return scoreByHead("utility", model) ?? { evidence: "No sign of harm or benefit.", basis: Basis.RULES };
    const difference = (named > 0 ? 1 : 0) - worstPenalty(hits);
    const harm = hits.length > 0 ? `harm: ${ruleIds(hits)}` : "no sign of harm";
    const evidence = `${named} words of benefit, ${harm}.`;
    return { score: (1 + difference) / 2, evidence, basis: Basis.RULES };
  },
} as const satisfies Framework;
