import { create } from "@bufbuild/protobuf";
import { FailureMode, RuleState, Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { type Policy, PolicySchema } from "#gen/ts/consciousness/policy/v1/policy_pb.js";
import { rulesById } from "../judges/rules/catalogue.js";
import { llmDetectors } from "../judges/rules/llm.js";
import { modelRules } from "../judges/rules/model.js";

const fromModels: ReadonlySet<string> = new Set([
  ...Object.values(modelRules).map(({ id }) => id),
  ...llmDetectors,
]);

/**
 * The engine's own policy: a rule for each detector, all of them in force and
 * closed. Those of a language model are open, as it may be far away.
 */
export const shippedPolicy: Policy = create(PolicySchema, {
  description: "The engine as shipped.",
  rules: [...rulesById.values()]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, scopes, severity, message, recommendation }) => ({
      id,
      scopes: withToolCalls(scopes),
      detector: id,
      // A model says itself how strongly it speaks.
      severity: fromModels.has(id) ? Severity.UNSPECIFIED : severity,
      state: RuleState.ENFORCE,
      failureMode: llmDetectors.has(id) ? FailureMode.OPEN : FailureMode.CLOSED,
      message,
      recommendation,
      overridable: false,
    })),
});

/** Scopes that a detector looks at, by its id. A call of a tool is looked at as an answer is. */
export const detectorScopes: ReadonlyMap<string, ReadonlySet<Scope>> = new Map(
  shippedPolicy.rules.map(({ detector, scopes }) => [detector, new Set(scopes)]),
);

/** Whether a detector is a trained head or a language model. */
export function isModel(detector: string): boolean {
  return fromModels.has(detector);
}

function withToolCalls(scopes: readonly Scope[]): Scope[] {
  return scopes.includes(Scope.OUTPUT) ? [...scopes, Scope.TOOL_CALL] : [...scopes];
}
