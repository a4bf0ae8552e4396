import type { ServiceImpl } from "@connectrpc/connect";
import type { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import { requireEtag } from "../domain/etag.js";
import { untilSaved } from "../domain/lost-race.js";
import type { AgentStore } from "../store.js";

/** Handles DeleteAgent. */
export function deleteAgent({
  store,
}: {
  store: AgentStore;
}): ServiceImpl<typeof AgentsService>["deleteAgent"] {
  return async ({ id, etag }, context) => {
    const principal = principalOf(context);
    await untilSaved(id, async () => {
      const current = await store.load(principal, id);
      requireEtag(current, etag);
      return store.remove(principal, callOf(context), current);
    });
    return {};
  };
}
