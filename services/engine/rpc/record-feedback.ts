import type { ServiceImpl } from "@connectrpc/connect";
import {
  AnswerLabel,
  type CalibrationService,
} from "#gen/ts/consciousness/engine/v1/calibration_service_pb.js";
import { ConfidenceBasis } from "#gen/ts/consciousness/engine/v1/state_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { type Enough, recalibrate } from "../domain/calibration/recalibrate.js";
import type { FeedbackStore } from "../feedback-store.js";
import type { DecisionStore } from "../store.js";

/** What RecordFeedback needs. */
export interface RecordFeedbackDeps {
  readonly decisions: Pick<DecisionStore, "load">;
  readonly feedback: Pick<FeedbackStore, "record">;
  readonly enough: Enough;
}

/** Handles RecordFeedback. */
export function recordFeedback(
  deps: RecordFeedbackDeps,
): ServiceImpl<typeof CalibrationService>["recordFeedback"] {
  const { decisions, feedback, enough } = deps;
  return async ({ decisionId, answer, verdict }, context) => {
    const principal = principalOf(context);
    const decision = await decisions.load(principal, decisionId);
    if (answer !== AnswerLabel.UNSPECIFIED && decision.shippedConfidence === undefined) {
      throw errors.decisionWithoutAnswer({ id: decisionId });
    }
    const said = { decision, answer, verdict };
    const { labels, calibration } = await feedback.record(principal, said, {
      call: callOf(context),
      calibrate: (labelled) => recalibrate(labelled, enough)?.calibration,
    });
    return { labels, basis: calibration ? ConfidenceBasis.RECALIBRATED : ConfidenceBasis.UNCALIBRATED };
  };
}
