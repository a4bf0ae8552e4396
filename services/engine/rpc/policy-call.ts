import type { HandlerContext } from "@connectrpc/connect";
import { principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { PolicyLoosened } from "../domain/policy/overlay.js";
import { type EffectivePolicy, effectivePolicy, type Layer, policyUnder } from "../domain/policy/policy.js";
import { type PolicyDocument, PolicyProblem, readPolicy } from "../domain/policy/read-policy.js";
import type { KnownAgents } from "../known-agents.js";
import type { Policies } from "../policies.js";
import type { PolicyOwner, PolicyStore } from "../policy-store.js";

/** What the methods on policies need. */
export interface PolicyDeps {
  readonly store: Pick<PolicyStore, "head" | "version" | "list" | "change">;
  readonly policies: Pick<Policies, "of" | "below" | "forget">;
  readonly agents: Pick<KnownAgents, "read">;
}

/** Whose policy a request is about. Rejects with AGENT_NOT_FOUND for an agent that the caller does not see. */
export async function ownerOf(
  agentId: string,
  agents: PolicyDeps["agents"],
  context: HandlerContext,
): Promise<PolicyOwner> {
  const { tenant } = principalOf(context);
  if (agentId !== "" && !(await agents.read(agentId, context))) throw errors.agentNotFound({ id: agentId });
  return { tenant, agentId };
}

/** Reads a document. Throws POLICY_INVALID. */
export function documentOf(text: string): PolicyDocument {
  return refusing(() => readPolicy(text));
}

/** The policy with a document of the owner's above others. Throws POLICY_INVALID or POLICY_LOOSENED. */
export function policyAbove(
  below: readonly Layer[],
  document: PolicyDocument,
  { agentId }: Pick<PolicyOwner, "agentId">,
): EffectivePolicy {
  const level = agentId === "" ? "tenant" : "agent";
  // Of the documents below, what no longer counts is no fault of this one's.
  const lower = effectivePolicy(below, { lenient: true });
  return refusing(() => policyUnder(lower, { level, version: 0, document }));
}

/** Runs work on documents; what is wrong with one leaves as an error of the catalogue. */
export function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw refusal(error);
  }
}

/** POLICY_INVALID or POLICY_LOOSENED for what is wrong with a document; anything else as it is. */
export function refusal(error: unknown): unknown {
  if (error instanceof PolicyProblem) {
    return errors.policyInvalid({ line: error.line, problem: error.problem });
  }
  if (error instanceof PolicyLoosened) {
    return errors.policyLoosened({ rule_id: error.ruleId, problem: error.problem });
  }
  return error;
}
