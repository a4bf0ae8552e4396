import type { ServiceImpl } from "@connectrpc/connect";
import { PolicyService } from "#gen/ts/consciousness/policy/v1/policy_service_pb.js";
import { errors } from "../../kit/errors.js";
import { digestOf } from "../domain/policy/policy-digest.js";
import { policyEtag } from "../policy-store.js";
import { documentOf, ownerOf, type PolicyDeps, policyAbove } from "./policy-call.js";

/** Handles PutPolicy. A document that says what is in force already makes no version. */
export function putPolicy(deps: PolicyDeps): ServiceImpl<typeof PolicyService>["putPolicy"] {
  const { store, policies, agents } = deps;
  return async (request, context) => {
    const { agentId, document, etag, note } = request;
    const owner = await ownerOf(agentId, agents, context);
    const read = documentOf(document);
    const below = await policies.below(owner);
    const call = { method: PolicyService.method.putPolicy, request, context };
    const put = await store.change(call, owner, (head) => {
      requireEtag(etag, head ?? { agent_id: agentId, version: 0n });
      if (head?.document === document) return undefined;
      policyAbove(below, read, owner);
      return { document, digest: digestOf(read.policy), note, rolledBackTo: 0 };
    });
    await policies.forget(owner.tenant);
    return put;
  };
}

/** Throws POLICY_CHANGED when the caller means another state; an empty etag means any. */
export function requireEtag(
  etag: string,
  state: { readonly agent_id: string; readonly version: bigint },
): void {
  if (etag !== "" && etag !== policyEtag(state)) throw errors.policyChanged();
}
