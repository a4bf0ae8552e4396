import type { Author } from "../../../../services/engine/domain/policy/overlay.js";
import { type EffectivePolicy, effectivePolicy } from "../../../../services/engine/domain/policy/policy.js";
import { readPolicy } from "../../../../services/engine/domain/policy/read-policy.js";

/** The shipped policy under one document. */
export function policyOf(text: string, level: Author = "operator"): EffectivePolicy {
  return effectivePolicy([{ level, version: 0, document: readPolicy(text) }]);
}

/** Lays documents above the shipped rules in turn, and throws as that does. */
export function layered(...documents: readonly (readonly [Author, string])[]): EffectivePolicy {
  return effectivePolicy(
    documents.map(([level, text]) => ({ level, version: 0, document: readPolicy(text) })),
  );
}

/** One rule in YAML, with a condition of its own. */
export function ruleText(fields: Readonly<Record<string, unknown>>): string {
  const whole = {
    id: "own.rule",
    scopes: ["INPUT"],
    severity: "HIGH",
    message: "Own.",
    condition: "true",
    ...fields,
  };
  return JSON.stringify({ rules: [whole] });
}
