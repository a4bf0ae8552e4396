import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { type MaskedType, maskedTypes } from "../judges/personal-data/finding.js";
import { safetyHeads } from "../models/heads.js";
import type { TextReading } from "../models/text-model.js";
import { tokensIn } from "../pseudonyms/token.js";
import { languageCoverage } from "../text/language.js";

/** What is known of a request, whichever of its texts is judged. */
export interface RequestFacts {
  /** Empty for the engine itself. */
  readonly agentId: string;
  readonly contextKeys: readonly string[];
  /** 0..1. */
  readonly strictness: number;
}

/** What is known of one text. */
export interface TextFacts extends RequestFacts {
  /** Masked. */
  readonly text: string;
  readonly scope: Scope;
  /** Ids of the detectors that hit. */
  readonly hits: readonly string[];
  /** Absent when nothing asks for it, or without models. */
  readonly reading?: TextReading | undefined;
}

/** Heads whose probabilities conditions may ask for. */
export const headNames: readonly string[] = [...safetyHeads, "optimised_suffix"];

/** The names by which conditions know the facts, each with a value of its type. */
export const sampleFacts = {
  text: "",
  length: 0n,
  covered: true,
  scope: "INPUT",
  hits: [] as readonly string[],
  heads: Object.fromEntries(headNames.map((name) => [name, 0])) as Readonly<Record<string, number>>,
  personal_data: [] as readonly string[],
  agent_id: "",
  context_keys: [] as readonly string[],
  ethical_strictness: 0,
};

/** The facts as conditions see them. */
export type ConditionFacts = typeof sampleFacts;

/** Puts the facts of a text into the form in which conditions see them. */
export function conditionFacts(facts: TextFacts): ConditionFacts {
  const { text, scope, hits, reading, agentId, contextKeys, strictness } = facts;
  return {
    text,
    length: BigInt(text.length),
    covered: languageCoverage(text).covered,
    scope: Scope[scope],
    hits,
    heads: reading ? headsOf(reading) : {},
    personal_data: typesIn(text),
    agent_id: agentId,
    context_keys: contextKeys,
    ethical_strictness: strictness,
  };
}

/** Types of which something was masked or has a token. */
function typesIn(text: string): MaskedType[] {
  const tokens = new Set<MaskedType>(tokensIn(text).map(({ type }) => type));
  return maskedTypes.filter((type) => tokens.has(type) || text.includes(`[${type}]`));
}

function headsOf({ safety, noise }: TextReading): Record<string, number> {
  const told = safetyHeads.map((head) => [head, safety[head].probability] as const);
  return { ...Object.fromEntries(told), optimised_suffix: noise.probability };
}
