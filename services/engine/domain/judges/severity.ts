import { Severity, type Violation } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";

/** What each severity takes from the ethical score, as the contract states. */
export const penalties = {
  [Severity.UNSPECIFIED]: 0,
  [Severity.LOW]: 0.1,
  [Severity.MEDIUM]: 0.3,
  [Severity.HIGH]: 0.6,
  [Severity.CRITICAL]: 1,
} as const satisfies Record<Severity, number>;

/** The strictness from which each severity blocks; 2 is never reached. */
export const blockingThresholds = {
  [Severity.UNSPECIFIED]: 2,
  [Severity.LOW]: 2,
  [Severity.MEDIUM]: 0.95,
  [Severity.HIGH]: 0.5,
  [Severity.CRITICAL]: 0,
} as const satisfies Record<Severity, number>;

/** Whether a violation blocks at a strictness, 0..1. */
export function blocks({ severity }: Violation, strictness: number): boolean {
  return strictness >= blockingThresholds[severity];
}

/** The penalty of the worst violation, 0..1; 0 without any. */
export function worstPenalty(violations: readonly Violation[]): number {
  return violations.reduce((worst, { severity }) => Math.max(worst, penalties[severity]), 0);
}
