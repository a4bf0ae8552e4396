import { type Agent, AgentStatus, Grounding } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { errors } from "../kit/errors.js";
import type { Composer } from "./domain/compose/composer.js";
import type { KnowledgeKey } from "./domain/knowledge.js";
import type { PassageIndex } from "./domain/retrieval/bm25.js";
import type { AnswerReuse, Responder } from "./domain/run.js";

/** Those who can answer. */
export interface Responders {
  /** The engine itself, from its built-in documents. */
  readonly engine: Responder;
  /** An agent. Throws AGENT_NOT_FOUND, AGENT_NOT_ACTIVE or PROVIDER_UNKNOWN. */
  forAgent(id: string, agent: Agent | undefined): Responder;
}

/** What answering needs. */
export interface ResponderDeps {
  readonly builtIn: PassageIndex;
  readonly embedded: Composer;
  /** By id. */
  readonly providers: ReadonlyMap<string, Composer>;
  readonly knowledgeOf: (key: KnowledgeKey) => PassageIndex;
}

/** Makes responders; an agent's knowledge is indexed once for each of its etags. */
export function createResponders({ builtIn, embedded, providers, knowledgeOf }: ResponderDeps): Responders {
  const composerOf = (providerId: string): Composer => {
    const composer = providerId === "" ? embedded : providers.get(providerId);
    if (!composer) throw errors.providerUnknown({ provider_id: providerId });
    return composer;
  };
  return {
    engine: {
      agentId: "",
      goals: [],
      instructions: "",
      composer: embedded,
      grounded: true,
      knowledge: builtIn,
    },
    forAgent(id, agent) {
      if (!agent) throw errors.agentNotFound({ id });
      if (agent.status !== AgentStatus.ACTIVE) {
        throw errors.agentNotActive({ id, status: `AGENT_STATUS_${AgentStatus[agent.status]}` });
      }
      const composer = composerOf(agent.configuration?.providerId ?? "");
      return {
        agentId: id,
        goals: agent.configuration?.goals ?? [],
        instructions: agent.configuration?.instructions ?? "",
        composer,
        // The embedded composer has nothing but evidence to answer from.
        grounded: composer === embedded || agent.configuration?.grounding !== Grounding.OPTIONAL,
        knowledge: knowledgeOf({ agentId: id, etag: agent.etag, documents: agent.knowledge }),
        reuse: reuseOf(agent),
      };
    },
  };
}

function reuseOf({ etag, configuration }: Agent): AnswerReuse | undefined {
  const seconds = configuration?.answerReuse?.maxAgeSeconds ?? 0;
  return seconds > 0 ? { agentVersion: etag, maxAgeMs: seconds * 1000 } : undefined;
}
