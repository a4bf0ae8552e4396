import type { ServiceImpl } from "@connectrpc/connect";
import type { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { principalOf } from "../../kit/context.js";
import type { AgentStore } from "../store.js";

/** Handles ListAgentShares. */
export function listAgentShares({
  store,
}: {
  store: AgentStore;
}): ServiceImpl<typeof AgentsService>["listAgentShares"] {
  return async ({ id }, context) => ({ shares: await store.shares(principalOf(context), id) });
}
