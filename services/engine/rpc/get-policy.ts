import type { ServiceImpl } from "@connectrpc/connect";
import type { PolicyService } from "#gen/ts/consciousness/policy/v1/policy_service_pb.js";
import { policyEtag } from "../policy-store.js";
import { ownerOf, type PolicyDeps } from "./policy-call.js";

/** Handles GetPolicy. */
export function getPolicy({
  store,
  policies,
  agents,
}: PolicyDeps): ServiceImpl<typeof PolicyService>["getPolicy"] {
  return async ({ agentId }, context) => {
    const owner = await ownerOf(agentId, agents, context);
    const { policy, digest, layers, leftOut } = await policies.of(owner);
    const head = await store.head(owner);
    return {
      policy,
      digest,
      layers: [...layers],
      leftOut: [...leftOut],
      document: head?.document ?? "",
      etag: policyEtag(head ?? { agent_id: agentId, version: 0n }),
    };
  };
}
