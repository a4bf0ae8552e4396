import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type EngineService,
  ProcessRequestSchema,
  ReleaseMode,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { errors } from "../../kit/errors.js";
import { ethicalViolation } from "../blocked-decision.js";
import type { Conversations } from "../conversations.js";
import type { Responder } from "../domain/run.js";
import { isReleased } from "../domain/verdict.js";
import { pipelineRequest, type RequestDeps } from "../pipeline-request.js";
import { processResponse } from "../process-response.js";
import { type StreamDeps, streamDecision } from "../stream-decision.js";

/** What ProcessStream needs. */
export interface ProcessStreamDeps extends RequestDeps, StreamDeps {
  readonly conversations: Conversations;
  /** Whether the deployment lets answers leave in windows. */
  readonly windowedAllowed: boolean;
}

/** Handles ProcessStream. */
export function processStream(deps: ProcessStreamDeps): ServiceImpl<typeof EngineService>["processStream"] {
  return async function* ({ request: asked, release: wanted }, context) {
    const message = asked ?? create(ProcessRequestSchema);
    const request = await pipelineRequest(message, deps, context);
    const of = { conversationId: message.conversationId, agentId: message.agentId ?? "", context };
    const placed = request.pseudonyms?.placed ?? new Set<string>();
    const windowed = wanted === ReleaseMode.WINDOWED;
    if (windowed) requireWindows(request.responder, deps.windowedAllowed);
    const release = windowed ? ReleaseMode.WINDOWED : ReleaseMode.BUFFERED;
    let number = 0;
    const windowEvent = async (window: string) => {
      number += 1;
      const content = await deps.conversations.toldPart(window, placed, of);
      return { event: { case: "window" as const, value: { number, content } }, release };
    };
    for await (const event of streamDecision({ request, windowed }, deps, context)) {
      if (event.kind === "stage") {
        yield { event: { case: "stage" as const, value: event.timing }, release };
      } else if (event.kind === "window") {
        yield await windowEvent(event.content);
      } else {
        const { decision } = event;
        const { verdict } = decision;
        const rest = isReleased(verdict) ? decision.content.slice(decision.releasedContent.length) : "";
        if (windowed && rest !== "") yield await windowEvent(rest);
        const value = processResponse(await deps.conversations.told(decision, of));
        yield { event: { case: "result" as const, value }, release };
        if (verdict === Verdict.BLOCKED) throw ethicalViolation(decision);
      }
    }
  };
}

/** Throws WINDOWED_RELEASE_NOT_ALLOWED. */
function requireWindows({ grounded, composer }: Responder, allowed: boolean): void {
  const refuse = (problem: string) => errors.windowedReleaseNotAllowed({ problem });
  if (!allowed) throw refuse("this deployment does not allow it");
  if (grounded) throw refuse("the agent's answers have to stand on evidence, which is known at their end");
  if (!composer.composeInPieces) throw refuse("the agent's provider does not stream");
}
