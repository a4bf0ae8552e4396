import type { ServiceImpl } from "@connectrpc/connect";
import type { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { principalOf } from "../../kit/context.js";
import type { AgentStore } from "../store.js";

/** Handles GetAgent. */
export function getAgent({ store }: { store: AgentStore }): ServiceImpl<typeof AgentsService>["getAgent"] {
  return async ({ id }, context) => {
    const { agent } = await store.load(principalOf(context), id);
    return { agent };
  };
}
