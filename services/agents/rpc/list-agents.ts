import type { ServiceImpl } from "@connectrpc/connect";
import type { AgentsService, ListAgentsRequest } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { type Principal, principalOf } from "../../kit/context.js";
import { readPage } from "../../kit/page-token.js";
import type { AgentStore } from "../store.js";

/** Handles ListAgents. */
export function listAgents({
  store,
}: {
  store: AgentStore;
}): ServiceImpl<typeof AgentsService>["listAgents"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const query = queryOf(principal, request);
    const { status, name } = request;
    const { items: agents, nextPageToken } = await readPage(request, query, (page) =>
      store.list(principal, { status, name, ...page }),
    );
    return { agents, nextPageToken };
  };
}

function queryOf({ tenant, subject }: Principal, { status, name }: ListAgentsRequest): string[] {
  return [tenant, subject, String(status), name];
}
