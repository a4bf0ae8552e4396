import { FailureMode, type RuleFailure, RuleState } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Ruling } from "./compile-rules.js";

/** A rule that fails closed could not be checked. */
export class RuleUnavailable extends Error {
  override readonly name = "RuleUnavailable";

  constructor(ruleIds: readonly string[]) {
    const [first, ...others] = new Set(ruleIds);
    super(`could not look at ${first}${others.length > 0 ? ` and ${others.length} other rules` : ""}`);
  }
}

/** Throws RuleUnavailable when a rule that fails closed could not be checked. */
export function requireChecked({ failures }: Pick<Ruling, "failures">): void {
  const closed = failures.filter(isClosed).map(({ ruleId }) => ruleId);
  if (closed.length > 0) throw new RuleUnavailable(closed);
}

/** Whether a failure leaves open what the verdict may be. */
export function isClosed({ failureMode, state }: RuleFailure): boolean {
  return state === RuleState.ENFORCE && failureMode !== FailureMode.OPEN;
}
