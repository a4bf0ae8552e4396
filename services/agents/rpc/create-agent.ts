import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { type Agent, AgentSchema } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { initialStatus } from "../domain/agent-status.js";
import { requireKnowledgeWithin } from "../domain/knowledge-size.js";
import { selectFields, withFields } from "../domain/update-mask.js";
import type { AgentStore } from "../store.js";

/** What CreateAgent is made of. */
export interface CreateAgentOptions {
  readonly store: AgentStore;
  /** UTF-8 bytes of knowledge that one agent may hold. */
  readonly knowledgeBytes: number;
}

/** Handles CreateAgent. */
export function createAgent(options: CreateAgentOptions): ServiceImpl<typeof AgentsService>["createAgent"] {
  const { store, knowledgeBytes } = options;
  return async (request, context) => {
    const draft = draftOf(request.agent ?? create(AgentSchema));
    requireKnowledgeWithin(knowledgeBytes, draft.knowledge);
    const call = { method: AgentsService.method.createAgent, request, context };
    return store.change(call, async (agents) => ({ agent: await agents.insert(draft) }));
  };
}

function draftOf(wanted: Agent): Agent {
  const draft = withFields(create(AgentSchema), wanted, selectFields(["*"]));
  draft.status = initialStatus(draft.status);
  return draft;
}
