import type { ServiceImpl } from "@connectrpc/connect";
import { PolicyService } from "#gen/ts/consciousness/policy/v1/policy_service_pb.js";
import { documentOf, ownerOf, type PolicyDeps, policyAbove } from "./policy-call.js";
import { requireEtag } from "./put-policy.js";

/** Handles RollbackPolicy. The document is judged as a new one is, since what lies below may have changed. */
export function rollbackPolicy(deps: PolicyDeps): ServiceImpl<typeof PolicyService>["rollbackPolicy"] {
  const { store, policies, agents } = deps;
  return async (request, context) => {
    const { agentId, version, etag, note } = request;
    const owner = await ownerOf(agentId, agents, context);
    const earlier = await store.version(owner, version);
    const read = documentOf(earlier.document);
    const below = await policies.below(owner);
    const call = { method: PolicyService.method.rollbackPolicy, request, context };
    const put = await store.change(call, owner, (head) => {
      requireEtag(etag, head ?? { agent_id: agentId, version: 0n });
      if (head?.document === earlier.document) return undefined;
      policyAbove(below, read, owner);
      const { document, digest } = earlier;
      return { document, digest, note, rolledBackTo: version };
    });
    await policies.forget(owner.tenant);
    return put;
  };
}
