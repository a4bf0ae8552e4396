import type { ServiceImpl } from "@connectrpc/connect";
import type { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { assessAnswer } from "../domain/assess-answer.js";
import { currentState, limitations, type SelfDeps, selfChecks } from "../domain/self.js";

/** Handles AssessSelf. */
export function assessSelf(deps: SelfDeps): ServiceImpl<typeof EngineService>["assessSelf"] {
  return async ({ answer }, { signal }) => ({
    state: currentState(deps),
    checks: await selfChecks(deps, signal),
    limitations: [...limitations],
    ...(answer
      ? { answer: assessAnswer({ text: answer.content }, answer.passages, deps.builtIn, deps.support) }
      : {}),
  });
}
