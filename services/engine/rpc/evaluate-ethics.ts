import type { ServiceImpl } from "@connectrpc/connect";
import type { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { evaluateText, type TextJudgeDeps } from "../domain/evaluate-text.js";

/** What EvaluateEthics needs. */
export interface EvaluateEthicsDeps extends TextJudgeDeps {
  /** Strictness of requests that name none, 0..1. */
  readonly ethicalStrictness: number;
}

/** Handles EvaluateEthics. Stores nothing. */
export function evaluateEthics(
  deps: EvaluateEthicsDeps,
): ServiceImpl<typeof EngineService>["evaluateEthics"] {
  return async ({ text, role, ethicalStrictness }, { signal }) => {
    const strictness = ethicalStrictness ?? deps.ethicalStrictness;
    const { response } = await evaluateText({ text, role, strictness }, deps, signal);
    return response;
  };
}
