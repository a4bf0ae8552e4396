import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import type { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { errors } from "../../kit/errors.js";
import type { Peer } from "../../kit/peers/peers.js";
import type { Responder } from "../domain/run.js";
import { type RequestDeps, responderFor } from "../pipeline-request.js";

/** The model that stands for the engine itself. */
export const defaultModel = "default";

/** Finds who answers as a model. Rejects with MODEL_NOT_FOUND, AGENT_NOT_ACTIVE or PROVIDER_UNKNOWN. */
export type FindModel = (model: string, context: HandlerContext) => Promise<Responder>;

/** What finding a model needs. */
export interface FindModelDeps extends RequestDeps {
  readonly list: Pick<Peer<typeof AgentsService>, "listAgents">;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const longestName = 100;

/** Models are agents of the caller, by id or by name; among several of a name an active one, then the newest. */
export function findModel(deps: FindModelDeps): FindModel {
  return async (model, context) => {
    if (model === defaultModel) return responderFor(undefined, deps, context);
    const id = uuid.test(model) ? model : await idOfName(model, deps, context);
    if (id === undefined) throw errors.modelNotFound({ model });
    return responderFor(id, deps, context).catch((error: unknown) => {
      const missing = error instanceof ConnectError && error.code === Code.NotFound;
      throw missing ? errors.modelNotFound({ model }, error) : error;
    });
  };
}

async function idOfName(
  name: string,
  { list }: FindModelDeps,
  context: HandlerContext,
): Promise<string | undefined> {
  if (name.length > longestName) return undefined;
  const { agents } = await list.listAgents({ name }, context);
  return (agents.find(({ status }) => status === AgentStatus.ACTIVE) ?? agents[0])?.id;
}
