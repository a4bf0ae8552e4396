import { stringify } from "yaml";
import { FailureMode, RuleState, Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Rule } from "#gen/ts/consciousness/policy/v1/policy_pb.js";
import { shippedPolicy } from "./shipped-policy.js";

const header =
  "# Written by `npm run generate` from the engine's rules: the policy as shipped,\n" +
  "# above which the operator's, the tenants' and the agents' documents lie.\n";

/** The engine's own policy as a document that others may read and copy from. */
export function writeShippedPolicy(): Map<string, string> {
  const { description, rules } = shippedPolicy;
  const text = stringify({ description, rules: rules.map(plain) }, { lineWidth: 110 });
  return new Map([["gen/policy/shipped.yaml", header + text]]);
}

function plain({ id, scopes, detector, severity, state, failureMode, message, recommendation }: Rule) {
  return {
    id,
    scopes: scopes.map((scope) => Scope[scope]),
    detector,
    ...(severity === Severity.UNSPECIFIED ? {} : { severity: Severity[severity] }),
    state: RuleState[state],
    failure_mode: FailureMode[failureMode],
    message,
    recommendation,
    overridable: false,
  };
}
