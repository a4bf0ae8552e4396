import { create, type DescField } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { type Agent, AgentRole, AgentSchema } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { requireEtag } from "../../kit/etag.js";
import { nextStatus } from "../domain/agent-status.js";
import { requireKnowledgeWithin } from "../domain/knowledge-size.js";
import { untilSaved } from "../domain/lost-race.js";
import { changedFields, selectFields, withFields } from "../domain/update-mask.js";
import type { AgentStore } from "../store.js";

/** What UpdateAgent is made of. */
export interface UpdateAgentOptions {
  readonly store: AgentStore;
  /** UTF-8 bytes of knowledge that one agent may hold. */
  readonly knowledgeBytes: number;
}

/** Handles UpdateAgent. An update that changes nothing writes nothing and keeps the etag. */
export function updateAgent(options: UpdateAgentOptions): ServiceImpl<typeof AgentsService>["updateAgent"] {
  const { store, knowledgeBytes } = options;
  return async (request, context) => {
    const wanted = request.agent ?? create(AgentSchema);
    const selected = selectFields(request.updateMask?.paths ?? []);
    return store.change({ method: AgentsService.method.updateAgent, request, context }, async (agents) => {
      const agent = await untilSaved(wanted.id, async () => {
        const current = await agents.load(wanted.id, AgentRole.EDITOR);
        requireEtag(current, wanted.etag);
        const next = nextState(current.agent, wanted, selected);
        const changed = changedFields(current.agent, next);
        if (changed.length === 0) return current.agent;
        if (changed.includes("knowledge")) requireKnowledgeWithin(knowledgeBytes, next.knowledge);
        return agents.replace(current, next, changed);
      });
      return { agent };
    });
  };
}

function nextState(current: Agent, wanted: Agent, selected: ReadonlySet<DescField>): Agent {
  const next = withFields(current, wanted, selected);
  next.status = nextStatus(current.status, next.status);
  return next;
}
