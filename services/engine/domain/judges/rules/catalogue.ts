import type { Rule } from "../rule.js";
import { harmRules } from "./harm.js";
import { injectionRules } from "./injection.js";
import { llmRules } from "./llm.js";
import { modelRules } from "./model.js";
import { personalDataRules } from "./personal-data.js";

/** Every rule by which texts are judged, in the order of reporting. */
export const ruleCatalogue: readonly Rule[] = [
  ...injectionRules,
  ...harmRules,
  ...Object.values(personalDataRules),
];

/** The catalogue and the rules of the trained heads and of a language model, by id. */
export const rulesById: ReadonlyMap<string, Rule> = new Map(
  [...ruleCatalogue, ...Object.values(modelRules), ...Object.values(llmRules)].map((rule: Rule) => [
    rule.id,
    rule,
  ]),
);
