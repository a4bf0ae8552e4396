import type { ServiceImpl } from "@connectrpc/connect";
import type { AgentsService, ListAgentsRequest } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { type Principal, principalOf } from "../../kit/context.js";
import { pageTokenAfter, readPageToken } from "../../kit/page-token.js";
import type { AgentStore } from "../store.js";

const defaultPageSize = 50;
const greatestPageSize = 200;

/** Handles ListAgents. */
export function listAgents({
  store,
}: {
  store: AgentStore;
}): ServiceImpl<typeof AgentsService>["listAgents"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const query = queryOf(principal, request);
    const after = readPageToken(request.pageToken, query);
    const size = Math.min(request.pageSize || defaultPageSize, greatestPageSize);
    // One more than asked for tells whether there is a next page.
    const { status, name } = request;
    const found = await store.list(principal, { status, name, after, limit: size + 1 });
    const agents = found.slice(0, size);
    const last = found.length > size ? agents.at(-1) : undefined;
    return { agents, nextPageToken: last ? pageTokenAfter(last.id, query) : "" };
  };
}

function queryOf({ tenant, subject }: Principal, { status, name }: ListAgentsRequest): string[] {
  return [tenant, subject, String(status), name];
}
