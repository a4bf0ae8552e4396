import type { ServiceImpl } from "@connectrpc/connect";
import { AgentRole } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { requireEtag } from "../../kit/etag.js";
import { untilSaved } from "../domain/lost-race.js";
import type { AgentStore } from "../store.js";

/** Handles DeleteAgent. */
export function deleteAgent({
  store,
}: {
  store: AgentStore;
}): ServiceImpl<typeof AgentsService>["deleteAgent"] {
  return async (request, context) => {
    const { id, etag } = request;
    return store.change({ method: AgentsService.method.deleteAgent, request, context }, async (agents) => {
      await untilSaved(id, async () => {
        const current = await agents.load(id, AgentRole.OWNER);
        requireEtag(current, etag);
        return agents.remove(current);
      });
      return {};
    });
  };
}
