import { create, toBinary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import {
  type BlockedDecision,
  BlockedDecisionSchema,
  type Violation,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { errors } from "../kit/errors.js";
import { blockingViolations } from "./domain/stages/screen-input.js";

const mostViolations = 10;
/** Details travel in HTTP trailers, which clients cap at 8 KiB. */
const mostBytes = 4096;

/** ETHICAL_VIOLATION of a blocked decision, with the rules that blocked in its details. */
export function ethicalViolation(decision: Decision): ConnectError {
  const strictness = decision.options?.ethicalStrictness ?? 1;
  const blocking = blockingViolations(decision.ethicalEvaluation?.violations ?? [], strictness);
  const ruleIds = [...new Set(blocking.map(({ ruleId }) => ruleId))];
  const error = errors.ethicalViolation({ rule_ids: ruleIds.join(", "), decision_id: decision.id });
  error.details.push({ desc: BlockedDecisionSchema, value: blockedDecision(decision.id, ruleIds, blocking) });
  return error;
}

/** The details: the gravest violations, as many of the first ten as fit into 4 KiB. */
export function blockedDecision(
  decisionId: string,
  ruleIds: string[],
  violations: readonly Violation[],
): BlockedDecision {
  for (let count = Math.min(mostViolations, violations.length); count > 0; count--) {
    const blocked = create(BlockedDecisionSchema, {
      decisionId,
      ruleIds,
      violations: violations.slice(0, count),
    });
    if (toBinary(BlockedDecisionSchema, blocked).length <= mostBytes) return blocked;
  }
  return create(BlockedDecisionSchema, { decisionId, ruleIds });
}
