import { Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { safetyHeads } from "../../models/heads.js";
import type { FrameworkName, Rule } from "../rule.js";

interface Wording {
  readonly scopes: readonly Scope[];
  readonly frameworks: readonly FrameworkName[];
  /** What the text resembles. */
  readonly like: string;
  readonly recommendation: string;
}

const spoken = [Scope.INPUT, Scope.OUTPUT];

/** Whose word counts: the heads about harm, and the detector of noise. */
export const modelVoices = [...safetyHeads, "optimised_suffix"] as const;

/** A trained part that can raise a violation. */
export type ModelVoice = (typeof modelVoices)[number];

const wordings: Readonly<Record<ModelVoice, Wording>> = {
  sexual: {
    scopes: spoken,
    frameworks: ["care"],
    like: "sexual content",
    recommendation: "Leave out what is sexually explicit.",
  },
  hate: {
    scopes: spoken,
    frameworks: ["justice", "care"],
    like: "contempt for a group of people",
    recommendation: "Speak of what people did, not of the group they belong to.",
  },
  harassment: {
    scopes: spoken,
    frameworks: ["care"],
    like: "an insult or a threat",
    recommendation: "Say what you object to without attacking the person.",
  },
  self_harm: {
    scopes: spoken,
    frameworks: ["care"],
    like: "speech about harming oneself",
    recommendation:
      "If you think about hurting yourself, please talk to somebody now: a crisis line or a local emergency number.",
  },
  harmful_request: {
    scopes: [Scope.INPUT],
    frameworks: ["utilitarian", "care"],
    like: "a request for help with harm",
    recommendation: "Say what you want to achieve, in words that cannot be taken for harm.",
  },
  jailbreak: {
    scopes: [Scope.INPUT, Scope.EVIDENCE],
    frameworks: ["virtue"],
    like: "an attempt to take the agent from its instructions",
    recommendation: "Ask the question itself; leave out how the agent has to behave.",
  },
  instruction_in_data: {
    scopes: [Scope.EVIDENCE],
    frameworks: ["virtue"],
    like: "an instruction to the agent that reads it",
    recommendation: "Remove the sentence that addresses the agent from the document.",
  },
  optimised_suffix: {
    scopes: [Scope.INPUT],
    frameworks: ["virtue"],
    like: "noise that is made to steer a model",
    recommendation: "Leave out the characters that mean nothing.",
  },
};

const injections: ReadonlySet<ModelVoice> = new Set(["jailbreak", "instruction_in_data", "optimised_suffix"]);

/** The rule under which each trained part speaks. HIGH above its blocking threshold; a warning is MEDIUM. */
export const modelRules = Object.fromEntries(
  modelVoices.map((voice) => [voice, ruleOf(voice, wordings[voice])]),
) as Readonly<Record<ModelVoice, Rule>>;

function ruleOf(voice: ModelVoice, { scopes, frameworks, like, recommendation }: Wording): Rule {
  return {
    id: `model.${voice}`,
    category: injections.has(voice) ? "injection" : "harm",
    severity: Severity.HIGH,
    scopes,
    frameworks,
    message: `A trained model takes the text for ${like}.`,
    recommendation,
    patterns: [],
  };
}
