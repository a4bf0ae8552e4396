import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import type { EngineService, ProcessRequest } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import { newId } from "../../kit/ids.js";
import type { Peer } from "../../kit/peers/peers.js";
import { ethicalViolation } from "../blocked-decision.js";
import type { EngineConfig } from "../config.js";
import type { Pipeline } from "../domain/pipeline.js";
import type { Responder, Strictness } from "../domain/run.js";
import type { Responders } from "../responders.js";
import type { DecisionStore } from "../store.js";

/** What Process needs. */
export interface ProcessDeps {
  readonly pipeline: Pipeline;
  readonly store: Pick<DecisionStore, "insert">;
  readonly agents: Pick<Peer<typeof AgentsService>, "getAgent">;
  readonly responders: Responders;
  readonly config: Pick<EngineConfig, "qualityThreshold" | "ethicalStrictness" | "reflectionDepth">;
  /** Told of every decision once it is stored, for metrics and means. */
  readonly observe: (decision: Decision) => void;
}

/** Handles Process. The decision is stored before anybody hears of it. */
export function process(deps: ProcessDeps): ServiceImpl<typeof EngineService>["process"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const call = callOf(context);
    const decision = await deps.pipeline(
      {
        decisionId: newId(),
        requestId: call.requestId,
        subject: principal.subject,
        queueMs: call.queueMs,
        input: request.input,
        context: request.context,
        options: strictness(request, deps.config),
        responder: await responder(request, deps, context),
      },
      context.signal,
    );
    await deps.store.insert(principal, call, decision);
    deps.observe(decision);
    if (decision.verdict === Verdict.BLOCKED) throw ethicalViolation(decision);
    return response(decision);
  };
}

/** Rejects with AGENT_NOT_FOUND, AGENT_NOT_ACTIVE or PROVIDER_UNKNOWN. */
async function responder(
  { agentId }: ProcessRequest,
  { agents, responders }: ProcessDeps,
  context: HandlerContext,
): Promise<Responder> {
  if (agentId === undefined) return responders.engine;
  const { agent } = await agents.getAgent({ id: agentId }, context);
  return responders.forAgent(agentId, agent);
}

function strictness({ options }: ProcessRequest, config: ProcessDeps["config"]): Strictness {
  return {
    qualityThreshold: options?.qualityThreshold ?? config.qualityThreshold,
    ethicalStrictness: options?.ethicalStrictness ?? config.ethicalStrictness,
    maxReflectionDepth: options?.maxReflectionDepth ?? config.reflectionDepth,
  };
}

function response({ id, consciousnessQuality, ...decision }: Decision) {
  return {
    requestId: decision.requestId,
    decisionId: id,
    verdict: decision.verdict,
    content: decision.content,
    consciousnessState: decision.consciousnessState,
    ethicalEvaluation: decision.ethicalEvaluation,
    confidenceLevel: decision.confidenceLevel,
    confidenceBasis: decision.confidenceBasis,
    consciousnessQuality,
    qualityComponents: decision.qualityComponents,
    processingMetrics: decision.processingMetrics,
    processingTimeMs: decision.processingMetrics?.totalMs ?? 0,
    evidence: standsOn(decision),
    reflections: decision.reflections,
  };
}

/** The passages that a released answer uses; the stored decision has all that were offered. */
function standsOn({ verdict, evidence }: Pick<Decision, "verdict" | "evidence">) {
  const released = verdict === Verdict.ALLOWED || verdict === Verdict.MODIFIED;
  return released ? evidence.filter(({ contentSpans }) => contentSpans.length > 0) : [];
}
