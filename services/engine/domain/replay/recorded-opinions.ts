import { create } from "@bufbuild/protobuf";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Basis, OpinionOutcome, OpinionSchema } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { type LlmJudge, opinionDigest } from "../judges/llm/llm-judge.js";

/**
 * The opinions that are on record of a decision, in the place of the model that
 * is asked today. On a text that `today` would ask about and that has none on
 * record, the opinion is NOT_ON_RECORD. Asks nobody.
 */
export function recordedOpinions(
  { replay, ethicalEvaluation }: Pick<Decision, "replay" | "ethicalEvaluation">,
  today: LlmJudge | undefined,
): LlmJudge | undefined {
  const digests = replay?.opinionDigests ?? [];
  if (!today && digests.length === 0) return undefined;
  const known = new Map(digests.map((digest, at) => [digest, ethicalEvaluation?.opinions[at]]));
  const failsClosed = today?.failsClosed ?? false;
  return {
    name: today?.name ?? "",
    digest: today?.digest ?? "",
    failsClosed,
    wants: () => true,
    begin: () => ({
      mostMs: 0,
      failsClosed,
      ask: async (request) => {
        const recorded = known.get(opinionDigest(request));
        if (recorded || !today?.wants(request)) return recorded;
        const { scope } = request;
        return create(OpinionSchema, { scope, basis: Basis.LLM, outcome: OpinionOutcome.NOT_ON_RECORD });
      },
    }),
  };
}
