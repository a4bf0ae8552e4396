import type { Rule } from "../rule.js";
import { harmRules } from "./harm.js";
import { injectionRules } from "./injection.js";
import { personalDataRules } from "./personal-data.js";

/** Every rule by which texts are judged, in the order of reporting. */
export const ruleCatalogue: readonly Rule[] = [
  ...injectionRules,
  ...harmRules,
  ...Object.values(personalDataRules),
];

/** The catalogue by id. */
export const rulesById: ReadonlyMap<string, Rule> = new Map(ruleCatalogue.map((rule) => [rule.id, rule]));
