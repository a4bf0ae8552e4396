import type { HandlerContext } from "@connectrpc/connect";
import type { ProcessRequest } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { callOf, principalOf } from "../kit/context.js";
import { newId } from "../kit/ids.js";
import type { AnswerCache } from "./answer-cache.js";
import type { EngineConfig } from "./config.js";
import type { Conversations } from "./conversations.js";
import type { PipelineRequest, Responder, Strictness } from "./domain/run.js";
import type { KnownAgents } from "./known-agents.js";
import type { Policies } from "./policies.js";
import type { Recalibrations } from "./recalibrations.js";
import type { createRecentAnswers } from "./recent-answers.js";
import type { Responders } from "./responders.js";

/** What finding out who answers, and how strictly, needs. */
export interface RequestDeps {
  readonly agents: Pick<KnownAgents, "read">;
  readonly responders: Responders;
  readonly policies: Pick<Policies, "of">;
  readonly recalibrations: Recalibrations;
  readonly recentAnswers: ReturnType<typeof createRecentAnswers>;
  readonly answers: AnswerCache;
  readonly config: Pick<EngineConfig, "qualityThreshold" | "ethicalStrictness" | "reflectionDepth">;
}

/** A request for the pipeline. Rejects with AGENT_NOT_FOUND, AGENT_NOT_ACTIVE or PROVIDER_UNKNOWN. */
export async function pipelineRequest(
  request: ProcessRequest,
  deps: RequestDeps & { readonly conversations: Pick<Conversations, "pseudonyms"> },
  context: HandlerContext,
): Promise<PipelineRequest> {
  const { agentId = "", conversationId } = request;
  const begun = await origin(agentId, deps, context);
  const pseudonyms = deps.conversations.pseudonyms({ conversationId, agentId, context }, begun.policy);
  const options = strictness(request.options, deps.config);
  const responder = await responderFor(request.agentId, deps, context);
  return {
    ...begun,
    ...(pseudonyms && { pseudonyms }),
    input: request.input,
    context: request.context,
    options,
    responder,
    knownAnswers: deps.answers.of({ ...begun, responder, options }),
  };
}

/** Ids and caller of a decision that a call asks for, and the policy of whoever answers. */
export async function origin(
  agentId: string,
  { policies, recentAnswers }: RequestDeps,
  context: HandlerContext,
) {
  const call = callOf(context);
  const principal = principalOf(context);
  const { tenant, subject } = principal;
  return {
    decisionId: newId(),
    requestId: call.requestId,
    tenant,
    subject,
    queueMs: call.queueMs,
    policy: await policies.of({ tenant, agentId }),
    recentAnswers: recentAnswers(principal, agentId),
  };
}

/** Who answers; the engine itself when no agent is named. Rejects as `pipelineRequest`. */
export async function responderFor(
  agentId: string | undefined,
  { agents, responders, recalibrations }: RequestDeps,
  context: HandlerContext,
): Promise<Responder> {
  const responder =
    agentId === undefined
      ? responders.engine
      : responders.forAgent(agentId, await agents.read(agentId, context));
  const calibration = await recalibrations.of(principalOf(context), responder.agentId);
  return { ...responder, calibration };
}

/** How strictly a request is judged, defaults filled in. */
export function strictness(options: ProcessRequest["options"], config: RequestDeps["config"]): Strictness {
  return {
    qualityThreshold: options?.qualityThreshold ?? config.qualityThreshold,
    ethicalStrictness: options?.ethicalStrictness ?? config.ethicalStrictness,
    maxReflectionDepth: options?.maxReflectionDepth ?? config.reflectionDepth,
  };
}
