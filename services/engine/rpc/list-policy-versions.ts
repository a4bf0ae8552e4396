import type { ServiceImpl } from "@connectrpc/connect";
import type { PolicyService } from "#gen/ts/consciousness/policy/v1/policy_service_pb.js";
import { pageTokenAfter, readPageToken } from "../../kit/page-token.js";
import { toVersion } from "../policy-store.js";
import { ownerOf, type PolicyDeps } from "./policy-call.js";

const defaultPageSize = 50;
const greatestPageSize = 200;

/** Handles ListPolicyVersions. */
export function listPolicyVersions({
  store,
  agents,
}: PolicyDeps): ServiceImpl<typeof PolicyService>["listPolicyVersions"] {
  return async ({ agentId, pageSize, pageToken }, context) => {
    const owner = await ownerOf(agentId, agents, context);
    const query = [owner.tenant, agentId];
    const after = readPageToken(pageToken, query);
    const size = Math.min(pageSize || defaultPageSize, greatestPageSize);
    // One more than asked for tells whether there is a next page.
    const found = await store.list(owner, { after, limit: size + 1 });
    const versions = found.slice(0, size).map((row) => ({ ...toVersion(row), document: "" }));
    const last = found.length > size ? versions.at(-1) : undefined;
    return { versions, nextPageToken: last ? pageTokenAfter(last.id, query) : "" };
  };
}
