import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { type Agent, AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import type { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import type { ChatService } from "#gen/ts/consciousness/openai/v1/chat_service_pb.js";
import type { Peer } from "../../kit/peers/peers.js";
import { defaultModel } from "../openai/find-model.js";

/** What ListModels needs. */
export interface ListModelsDeps {
  readonly list: Pick<Peer<typeof AgentsService>, "listAgents">;
}

const pageSize = 200;
const mostPages = 5;

/** Handles ListModels. */
export function listModels({ list }: ListModelsDeps): ServiceImpl<typeof ChatService>["listModels"] {
  return async (_, context) => {
    const agents = await activeAgents(list, context);
    const own = {
      id: defaultModel,
      object: "model",
      created: 0,
      ownedBy: "consciousness",
      name: defaultModel,
    };
    return { object: "list", data: [own, ...agents.map(modelOf)] };
  };
}

async function activeAgents(list: ListModelsDeps["list"], context: HandlerContext): Promise<Agent[]> {
  const found: Agent[] = [];
  let pageToken = "";
  for (let page = 0; page < mostPages; page++) {
    const asked = { status: AgentStatus.ACTIVE, pageSize, pageToken };
    const { agents, nextPageToken } = await list.listAgents(asked, context);
    found.push(...agents);
    pageToken = nextPageToken;
    if (pageToken === "") break;
  }
  return found;
}

function modelOf({ id, name, owner, createTime }: Agent) {
  return { id, object: "model", created: Number(createTime?.seconds ?? 0n), ownedBy: owner, name };
}
