import type { ServiceImpl } from "@connectrpc/connect";
import type { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { evaluateText, type TextJudgeDeps } from "../domain/evaluate-text.js";
import type { Policies } from "../policies.js";

/** What EvaluateEthics needs. */
export interface EvaluateEthicsDeps extends TextJudgeDeps {
  /** Strictness of requests that name none, 0..1. */
  readonly ethicalStrictness: number;
  readonly policies: Pick<Policies, "of">;
}

/** Handles EvaluateEthics. Stores nothing. */
export function evaluateEthics(
  deps: EvaluateEthicsDeps,
): ServiceImpl<typeof EngineService>["evaluateEthics"] {
  return async ({ text, role, ethicalStrictness }, context) => {
    const strictness = ethicalStrictness ?? deps.ethicalStrictness;
    const { tenant } = principalOf(context);
    const policy = await deps.policies.of({ tenant, agentId: "" });
    const asked = { text, tenant, role, strictness, policy };
    const { response } = await evaluateText(asked, deps, context.signal);
    return response;
  };
}
