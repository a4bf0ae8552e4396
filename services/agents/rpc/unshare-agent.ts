import type { ServiceImpl } from "@connectrpc/connect";
import { AgentRole } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { untilSaved } from "../domain/lost-race.js";
import type { AgentStore } from "../store.js";

/** Handles UnshareAgent. */
export function unshareAgent({
  store,
}: {
  store: AgentStore;
}): ServiceImpl<typeof AgentsService>["unshareAgent"] {
  return async (request, context) => {
    const { id, subject } = request;
    return store.change({ method: AgentsService.method.unshareAgent, request, context }, async (agents) => {
      await untilSaved(id, async () => agents.unshare(await agents.load(id, AgentRole.OWNER), subject));
      return {};
    });
  };
}
