import type { ServiceImpl } from "@connectrpc/connect";
import type { PolicyService } from "#gen/ts/consciousness/policy/v1/policy_service_pb.js";
import { readPage } from "../../kit/page-token.js";
import { toVersion } from "../policy-store.js";
import { ownerOf, type PolicyDeps } from "./policy-call.js";

/** Handles ListPolicyVersions. */
export function listPolicyVersions({
  store,
  agents,
}: PolicyDeps): ServiceImpl<typeof PolicyService>["listPolicyVersions"] {
  return async (request, context) => {
    const owner = await ownerOf(request.agentId, agents, context);
    const query = [owner.tenant, request.agentId];
    const { items, nextPageToken } = await readPage(request, query, (page) => store.list(owner, page));
    return { versions: items.map((row) => ({ ...toVersion(row), document: "" })), nextPageToken };
  };
}
