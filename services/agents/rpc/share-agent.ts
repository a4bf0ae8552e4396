import type { ServiceImpl } from "@connectrpc/connect";
import { AgentRole } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import type { SubjectsService } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import type { Peer } from "../../kit/peers/peers.js";
import { untilSaved } from "../domain/lost-race.js";
import type { AgentStore } from "../store.js";

/** What ShareAgent is made of. */
export interface ShareAgentOptions {
  readonly store: AgentStore;
  /** Knows the accounts of the tenant. */
  readonly subjects: Pick<Peer<typeof SubjectsService>, "resolveSubject">;
  /** With how many one agent may be shared. */
  readonly sharesPerAgent: number;
}

/** Handles ShareAgent. Sharing again with the same role changes nothing. */
export function shareAgent(options: ShareAgentOptions): ServiceImpl<typeof AgentsService>["shareAgent"] {
  const { store, subjects, sharesPerAgent: limit } = options;
  return async (request, context) => {
    const { id, subject, role } = request;
    // Who may not share learns nothing of accounts, and no transaction waits for a peer.
    await store.requireOwner(principalOf(context), id);
    await subjects.resolveSubject({ subject }, context);
    return store.change({ method: AgentsService.method.shareAgent, request, context }, async (agents) => {
      const share = await untilSaved(id, async () => {
        const current = await agents.load(id, AgentRole.OWNER);
        if (current.agent.owner === subject) throw errors.shareWithOwner({ id, subject });
        return agents.share(current, { subject, role, limit });
      });
      return { share };
    });
  };
}
