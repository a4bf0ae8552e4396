import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import {
  type Limitation,
  type SelfAssessment,
  SelfAssessmentSchema,
  type SelfCheck,
} from "#gen/ts/consciousness/engine/v1/state_pb.js";
import type { Clock } from "../../kit/clock.js";
import { type Principal, principalOf } from "../../kit/context.js";
import { assessAnswer } from "../domain/assess-answer.js";
import { currentState, type SelfDeps, selfChecks } from "../domain/self.js";
import { mostDecisions, summarise } from "../domain/self-assessment.js";
import type { Policies } from "../policies.js";
import type { SelfAssessmentStore } from "../self-assessment-store.js";
import type { DecisionStore } from "../store.js";

/** What AssessSelf needs. */
export interface AssessSelfDeps extends SelfDeps {
  readonly clock: Clock;
  /** Version of the engine. */
  readonly version: string;
  /** Version of the trained models. */
  readonly modelsVersion: string;
  readonly limitations: readonly Limitation[];
  readonly policies: Pick<Policies, "of">;
  readonly decisions: Pick<DecisionStore, "latest">;
  readonly assessments: SelfAssessmentStore;
}

/** Handles AssessSelf. What is compared is looked at before the transaction that records it. */
export function assessSelf(deps: AssessSelfDeps): ServiceImpl<typeof EngineService>["assessSelf"] {
  const { method } = EngineService;
  return async (request, context) => {
    const { answer } = request;
    const checks = await selfChecks(deps, context.signal);
    const assessment = await assess(deps, principalOf(context), checks);
    const call = { method: method.assessSelf, request, context };
    return deps.assessments.record(call, assessment, (compared) => ({
      state: currentState(deps),
      checks,
      limitations: [...deps.limitations],
      assessment,
      ...compared,
      ...(answer
        ? { answer: assessAnswer({ text: answer.content }, answer.passages, deps.builtIn, deps.support) }
        : {}),
    }));
  };
}

async function assess(
  { clock, version, modelsVersion, policies, decisions, judges, llmJudge }: AssessSelfDeps,
  principal: Principal,
  checks: readonly SelfCheck[],
): Promise<SelfAssessment> {
  const policy = await policies.of({ tenant: principal.tenant, agentId: "" });
  return create(SelfAssessmentSchema, {
    time: timestampFromMs(clock.now()),
    engineVersion: version,
    modelsVersion,
    judgeDigests: Object.fromEntries([...judges, ...(llmJudge ? [llmJudge] : [])].map(nameAndDigest)),
    policyDigest: policy.digest,
    checks: Object.fromEntries(checks.map(({ name, ok }) => [name, ok])),
    decisions: summarise(await decisions.latest(principal, mostDecisions)),
  });
}

function nameAndDigest({ name, digest }: { readonly name: string; readonly digest: string }) {
  return [name, digest] as const;
}
