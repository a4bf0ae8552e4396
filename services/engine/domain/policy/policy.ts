import { create } from "@bufbuild/protobuf";
import { type PolicyLayer, PolicyLayerSchema } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { type Policy, PolicySchema } from "#gen/ts/consciousness/policy/v1/policy_pb.js";
import { compileRules, type RuleBook } from "./compile-rules.js";
import { type Author, layAbove } from "./overlay.js";
import { layPersonalData, type PersonalDataUse, personalDataUse } from "./personal-data-policy.js";
import { digestOf } from "./policy-digest.js";
import type { PolicyDocument } from "./read-policy.js";
import { shippedPolicy } from "./shipped-policy.js";

/** A policy as texts are judged by it. */
export interface EffectivePolicy extends RuleBook {
  readonly policy: Policy;
  /** What becomes of personal data. */
  readonly personalData: PersonalDataUse;
  /** Of `policy`, in hex. */
  readonly digest: string;
  /** From the lowest. */
  readonly layers: readonly PolicyLayer[];
  /** What no longer counts of documents that were put when others lay below them, in words. */
  readonly leftOut: readonly string[];
}

/** A document and whose it is. */
export interface Layer {
  readonly level: Author;
  /** 0 where versions are not counted. */
  readonly version: number;
  readonly document: PolicyDocument;
}

interface Laid {
  readonly policy: Policy;
  readonly layers: readonly PolicyLayer[];
  readonly leftOut: readonly string[];
}

const shipped: Laid = {
  policy: shippedPolicy,
  layers: [layerOf("shipped", 0, shippedPolicy)],
  leftOut: [],
};

/**
 * The engine's own policy under other documents, from the lowest. Throws as
 * `layAbove` does, unless it is to be `lenient` with rules that had their place
 * when they were put: then the stricter rule below stands.
 */
export function effectivePolicy(layers: readonly Layer[], { lenient = false } = {}): EffectivePolicy {
  return compiled(layers.reduce((below, layer) => laid(below, layer, lenient), shipped));
}

/** A policy with one more document above it. Throws as `layAbove` does. */
export function policyUnder(below: EffectivePolicy, layer: Layer): EffectivePolicy {
  return compiled(laid(below, layer, false));
}

/** A policy that decided before, whole as it was. */
export function recordedPolicy(policy: Policy, layers: readonly PolicyLayer[]): EffectivePolicy {
  return compiled({ policy, layers, leftOut: [] });
}

function laid(below: Laid, { level, version, document }: Layer, lenient: boolean): Laid {
  const leftOut: string[] = [];
  const leaveOut = (why: string) => void leftOut.push(`${level}: ${why}`);
  const tell = lenient ? leaveOut : undefined;
  const { description } = document.policy;
  const rules = [...layAbove(below.policy.rules, document, level, tell)];
  const personalData = layPersonalData(below.policy.personalData, document, level, tell);
  return {
    policy: create(PolicySchema, { description, rules, ...(personalData && { personalData }) }),
    layers: [...below.layers, layerOf(level, version, document.policy)],
    leftOut: [...below.leftOut, ...leftOut],
  };
}

function compiled(one: Laid): EffectivePolicy {
  const { rules, personalData } = one.policy;
  return {
    ...one,
    digest: digestOf(one.policy),
    personalData: personalDataUse(personalData),
    ...compileRules(rules),
  };
}

function layerOf(level: string, version: number, policy: Policy): PolicyLayer {
  return create(PolicyLayerSchema, { level, version, digest: digestOf(policy) });
}
