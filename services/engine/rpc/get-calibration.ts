import type { ServiceImpl } from "@connectrpc/connect";
import type { CalibrationService } from "#gen/ts/consciousness/engine/v1/calibration_service_pb.js";
import { ConfidenceBasis } from "#gen/ts/consciousness/engine/v1/state_pb.js";
import { principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { type Enough, recalibrate } from "../domain/calibration/recalibrate.js";
import { type Reliability, reliabilityOf } from "../domain/calibration/reliability.js";
import type { FeedbackStore } from "../feedback-store.js";
import type { KnownAgents } from "../known-agents.js";

/** What GetCalibration needs. */
export interface GetCalibrationDeps {
  readonly feedback: Pick<FeedbackStore, "labels" | "verdicts">;
  readonly agents: Pick<KnownAgents, "read">;
  readonly enough: Enough;
}

/** Handles GetCalibration. Rejects with AGENT_NOT_FOUND for an agent that the caller may not read. */
export function getCalibration(
  deps: GetCalibrationDeps,
): ServiceImpl<typeof CalibrationService>["getCalibration"] {
  const { feedback, agents, enough } = deps;
  return async ({ agentId = "" }, context) => {
    if (agentId !== "" && !(await agents.read(agentId, context))) throw errors.agentNotFound({ id: agentId });
    const principal = principalOf(context);
    const labelled = await feedback.labels(principal, agentId);
    const fitted = recalibrate(labelled, enough);
    return {
      basis: fitted ? ConfidenceBasis.RECALIBRATED : ConfidenceBasis.UNCALIBRATED,
      labels: labelled.length,
      labelsNeeded: enough.ofEachKind,
      ...inContract("shipped", reliabilityOf(labelled)),
      ...inContract("recalibrated", fitted?.reliability),
      ...(fitted && { recalibration: { ...fitted.calibration } }),
      verdicts: [...(await feedback.verdicts(principal, agentId))],
    };
  };
}

function inContract<K extends string>(name: K, reliability: Reliability | undefined) {
  return reliability ? { [name]: { ...reliability, bins: [...reliability.bins] } } : {};
}
