import type { Rule } from "../rule.js";
import { physicalHarm } from "./harm-physical.js";
import { socialHarm } from "./harm-social.js";
import { vulnerableHarm } from "./harm-vulnerable.js";

/** Texts that ask for harm or do it. */
export const harmRules: readonly Rule[] = [...physicalHarm, ...vulnerableHarm, ...socialHarm];
