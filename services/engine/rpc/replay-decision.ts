import type { ServiceImpl } from "@connectrpc/connect";
import type {
  EngineService,
  ReplayDecisionRequest,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import type { EffectivePolicy } from "../domain/policy/policy.js";
import { differences, outcomeOf } from "../domain/replay/differences.js";
import { replayDecision as replayOne, unreplayable } from "../domain/replay/replay.js";
import type { PipelineDeps } from "../domain/run.js";
import { isReleased } from "../domain/verdict.js";
import { mayReadWithheld } from "../domain/withheld.js";
import type { Policies } from "../policies.js";
import type { PolicyOwner, PolicyStore } from "../policy-store.js";
import type { DecisionStore } from "../store.js";
import { documentOf, refusal } from "./policy-call.js";

/** What ReplayDecision needs. */
export interface ReplayDecisionDeps {
  readonly store: Pick<DecisionStore, "load">;
  readonly policyStore: Pick<PolicyStore, "recorded" | "version">;
  readonly policies: Pick<Policies, "of" | "withTenantDocument">;
  readonly pipelineDeps: PipelineDeps;
}

/** Handles ReplayDecision. Changes nothing. */
export function replayDecision(
  deps: ReplayDecisionDeps,
): ServiceImpl<typeof EngineService>["replayDecision"] {
  return async ({ id, policy }, context) => {
    const principal = principalOf(context);
    const before = await deps.store.load(principal, id);
    const problem = unreplayable(before);
    if (problem !== undefined) throw errors.decisionNotReplayable({ id, problem });
    const owner = { tenant: principal.tenant, agentId: before.agentId };
    const under = await policyFor(policy, owner, deps);
    const { decision: after, unrecorded } = await replayOne(before, under, deps.pipelineDeps, context.signal);
    const mayRead = mayReadWithheld(principal) || isReleased(before.verdict);
    const all = differences(before, after).filter(({ field }) => mayRead || field !== "content");
    const known = (field: string) => field !== "verdict" && field !== "content";
    return {
      decisionId: id,
      before: outcomeOf(before),
      after: outcomeOf(after, { open: unrecorded }),
      differences: unrecorded ? all.filter(({ field }) => known(field)) : all,
      unrecorded,
    };
  };
}

async function policyFor(
  wanted: ReplayDecisionRequest["policy"],
  owner: PolicyOwner,
  { policies, policyStore }: ReplayDecisionDeps,
): Promise<EffectivePolicy> {
  if (wanted.case === undefined) return policies.of(owner);
  if (wanted.case === "policyDigest") return policyStore.recorded(owner.tenant, wanted.value);
  const document =
    wanted.case === "document"
      ? wanted.value
      : (await policyStore.version({ ...owner, agentId: "" }, wanted.value)).document;
  const read = documentOf(document);
  return policies.withTenantDocument(owner, read).catch((error: unknown) => {
    throw refusal(error);
  });
}
