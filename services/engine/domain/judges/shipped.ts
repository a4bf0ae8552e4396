import { shippedTextModel } from "../models/shipped.js";
import type { Judge } from "./judge.js";
import { createModelJudge } from "./model-judge.js";
import { createRuleJudge } from "./rule-judge.js";
import { ruleCatalogue } from "./rules/catalogue.js";

/** The judges as shipped: the rules, and the trained heads. */
export function shippedJudges(): Judge[] {
  return [createRuleJudge(ruleCatalogue), createModelJudge(shippedTextModel())];
}
