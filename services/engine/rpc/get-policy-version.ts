import type { ServiceImpl } from "@connectrpc/connect";
import type { PolicyService } from "#gen/ts/consciousness/policy/v1/policy_service_pb.js";
import { toVersion } from "../policy-store.js";
import { ownerOf, type PolicyDeps } from "./policy-call.js";

/** Handles GetPolicyVersion. */
export function getPolicyVersion({
  store,
  agents,
}: PolicyDeps): ServiceImpl<typeof PolicyService>["getPolicyVersion"] {
  return async ({ agentId, version }, context) => {
    const owner = await ownerOf(agentId, agents, context);
    return { version: toVersion(await store.version(owner, version)) };
  };
}
