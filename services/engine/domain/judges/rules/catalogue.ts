import type { Rule } from "../rule.js";
import { harmRules } from "./harm.js";
import { injectionRules } from "./injection.js";
import { modelRules } from "./model.js";
import { personalDataRules } from "./personal-data.js";

/** Every rule by which texts are judged, in the order of reporting. */
export const ruleCatalogue: readonly Rule[] = [
  ...injectionRules,
  ...harmRules,
  ...Object.values(personalDataRules),
];

/** The catalogue and the rules of the trained heads, by id. */
export const rulesById: ReadonlyMap<string, Rule> = new Map(
  [...ruleCatalogue, ...Object.values(modelRules)].map((rule) => [rule.id, rule]),
);
