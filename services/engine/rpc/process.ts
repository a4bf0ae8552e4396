import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { EngineService, type ProcessRequest } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import { replaying } from "../../kit/idempotency/handle.js";
import { newId } from "../../kit/ids.js";
import { ethicalViolation } from "../blocked-decision.js";
import type { EngineConfig } from "../config.js";
import type { Pipeline } from "../domain/pipeline.js";
import type { Responder, Strictness } from "../domain/run.js";
import type { KnownAgents } from "../known-agents.js";
import type { Policies } from "../policies.js";
import type { Recalibrations } from "../recalibrations.js";
import type { Responders } from "../responders.js";
import type { DecisionStore } from "../store.js";

/** What Process needs. */
export interface ProcessDeps {
  readonly pipeline: Pipeline;
  readonly store: Pick<DecisionStore, "once">;
  readonly agents: Pick<KnownAgents, "read">;
  readonly responders: Responders;
  readonly policies: Pick<Policies, "of">;
  readonly recalibrations: Recalibrations;
  readonly config: Pick<EngineConfig, "qualityThreshold" | "ethicalStrictness" | "reflectionDepth">;
  /** Told of every decision once it is stored, for metrics and means. */
  readonly observe: (decision: Decision) => void;
}

/** Handles Process. The decision is stored before anybody hears of it. */
export function process(deps: ProcessDeps): ServiceImpl<typeof EngineService>["process"] {
  return async (request, context) => {
    const call = { method: EngineService.method.process, request, context };
    const { decision, replayed } = await deps.store.once(call, () => decide(request, deps, context));
    if (replayed) return replaying(context, () => answer(decision));
    deps.observe(decision);
    return answer(decision);
  };
}

async function decide(
  request: ProcessRequest,
  deps: ProcessDeps,
  context: HandlerContext,
): Promise<Decision> {
  const call = callOf(context);
  const principal = principalOf(context);
  return deps.pipeline(
    {
      decisionId: newId(),
      requestId: call.requestId,
      subject: principal.subject,
      queueMs: call.queueMs,
      input: request.input,
      context: request.context,
      options: strictness(request, deps.config),
      responder: await responder(request, deps, context),
      policy: await deps.policies.of({ tenant: principal.tenant, agentId: request.agentId ?? "" }),
    },
    context.signal,
  );
}

/** Rejects with AGENT_NOT_FOUND, AGENT_NOT_ACTIVE or PROVIDER_UNKNOWN. */
async function responder(
  { agentId }: ProcessRequest,
  { agents, responders, recalibrations }: ProcessDeps,
  context: HandlerContext,
): Promise<Responder> {
  const responder =
    agentId === undefined
      ? responders.engine
      : responders.forAgent(agentId, await agents.read(agentId, context));
  const calibration = await recalibrations.of(principalOf(context), responder.agentId);
  return { ...responder, calibration };
}

function strictness({ options }: ProcessRequest, config: ProcessDeps["config"]): Strictness {
  return {
    qualityThreshold: options?.qualityThreshold ?? config.qualityThreshold,
    ethicalStrictness: options?.ethicalStrictness ?? config.ethicalStrictness,
    maxReflectionDepth: options?.maxReflectionDepth ?? config.reflectionDepth,
  };
}

/** What a decision is answered with; ETHICAL_VIOLATION when it blocks. */
function answer(decision: Decision) {
  if (decision.verdict === Verdict.BLOCKED) throw ethicalViolation(decision);
  return response(decision);
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
