import type { ServiceImpl } from "@connectrpc/connect";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { replaying } from "../../kit/idempotency/handle.js";
import { ethicalViolation } from "../blocked-decision.js";
import type { Conversations } from "../conversations.js";
import type { Pipeline } from "../domain/pipeline.js";
import type { PipelineRequest } from "../domain/run.js";
import { pipelineRequest, type RequestDeps } from "../pipeline-request.js";
import { processResponse } from "../process-response.js";
import type { DecisionStore } from "../store.js";

/** What Process needs. */
export interface ProcessDeps extends RequestDeps {
  readonly pipeline: Pipeline;
  readonly conversations: Conversations;
  readonly store: Pick<DecisionStore, "once">;
  /** Told of every decision once it is stored, for metrics and means. */
  readonly observe: (decision: Decision) => void;
}

/** Handles Process. The decision is stored before anybody hears of it. */
export function process(deps: ProcessDeps): ServiceImpl<typeof EngineService>["process"] {
  return async (request, context) => {
    const call = { method: EngineService.method.process, request, context };
    let knownAnswers: PipelineRequest["knownAnswers"];
    const { decision, replayed } = await deps.store.once(call, async () => {
      const asked = await pipelineRequest(request, deps, context);
      knownAnswers = asked.knownAnswers;
      return deps.pipeline(asked, context.signal);
    });
    if (!replayed) {
      knownAnswers?.keep(decision);
      deps.observe(decision);
    }
    const { conversationId } = request;
    const told = await deps.conversations.told(decision, { conversationId, context });
    return replayed ? replaying(context, () => answer(told)) : answer(told);
  };
}

/** What a decision is answered with; ETHICAL_VIOLATION when it blocks. */
function answer(decision: Decision) {
  if (decision.verdict === Verdict.BLOCKED) throw ethicalViolation(decision);
  return processResponse(decision);
}
