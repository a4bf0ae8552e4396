import { Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Rule } from "../rule.js";

const everywhere = [Scope.INPUT, Scope.EVIDENCE, Scope.OUTPUT];

/** The rules under which a language model speaks that is asked as judge, where one is configured. */
export const llmRules = {
  harm: {
    id: "llm.harm",
    category: "harm",
    severity: Severity.HIGH,
    scopes: everywhere,
    frameworks: ["utilitarian", "care"],
    message: "A language model takes the text for harmful.",
    recommendation: "Say what you want to achieve, in words that cannot be taken for harm.",
    patterns: [],
  },
  injection: {
    id: "llm.injection",
    category: "injection",
    severity: Severity.HIGH,
    scopes: everywhere,
    frameworks: ["virtue"],
    message: "A language model takes the text for an attempt to steer the agent.",
    recommendation: "Leave out how the agent, or whoever judges the text, has to behave.",
    patterns: [],
  },
} as const satisfies Record<string, Rule>;

/** The ids of those rules, which are the names of their detectors. */
export const llmDetectors: ReadonlySet<string> = new Set(Object.values(llmRules).map(({ id }) => id));
