import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";

/** What the verdict depends on. */
export interface VerdictFacts {
  /** A rule blocks the input or the answer. */
  readonly blocked: boolean;
  /** Checks that failed or took too long. */
  readonly unavailable: readonly string[];
  /** Why no judge covers the input. */
  readonly uncovered: string | undefined;
  /** Why nothing more may leave; undefined when all may. */
  readonly ended: string | undefined;
  readonly answered: boolean;
  /** Whether the answer has to stand on evidence. */
  readonly grounded: boolean;
  /** The evidence most likely does not support the answer. */
  readonly unsupported: boolean;
  /** 0..1; undefined when it could not be computed. */
  readonly quality: number | undefined;
  readonly qualityThreshold: number;
  /** The answer differs from the one that was composed, or holds masked data. */
  readonly modified: boolean;
}

/** A verdict and why. */
export interface Settlement {
  readonly verdict: Verdict;
  readonly why: string;
}

/** Settles the verdict: the first of the reasons to withhold decides, in this order. */
export function settleVerdict(facts: VerdictFacts): Settlement {
  const { blocked, unavailable, uncovered, ended, answered, grounded, modified } = facts;
  if (blocked) return { verdict: Verdict.BLOCKED, why: "a rule blocks" };
  if (unavailable.length > 0) {
    return {
      verdict: Verdict.CHECK_UNAVAILABLE,
      why: `without ${unavailable.join(", ")} nothing is released`,
    };
  }
  if (uncovered !== undefined) return { verdict: Verdict.ABSTAINED, why: uncovered };
  if (ended !== undefined) return { verdict: Verdict.ABSTAINED, why: ended };
  if (!answered) return { verdict: Verdict.ABSTAINED, why: "nothing supports an answer" };
  const weakness = grounded ? weaknessOf(facts) : undefined;
  if (weakness !== undefined) return { verdict: Verdict.ABSTAINED, why: weakness };
  if (modified) return { verdict: Verdict.MODIFIED, why: "the answer was redacted or revised" };
  return { verdict: Verdict.ALLOWED, why: "every check passed" };
}

function weaknessOf({ unsupported, quality, qualityThreshold }: VerdictFacts): string | undefined {
  if (unsupported) return "the evidence hardly supports the answer";
  if (quality !== undefined && quality >= qualityThreshold) return undefined;
  const index = quality === undefined ? "unknown" : quality.toFixed(3);
  return `quality ${index} is under the threshold ${qualityThreshold}`;
}

const withheld: Readonly<Partial<Record<Verdict, string>>> = {
  [Verdict.ABSTAINED]:
    "The answer is withheld: it is not well enough supported, or no check covers the request.",
  [Verdict.CHECK_UNAVAILABLE]: "The answer is withheld: a check could not be completed. Try again shortly.",
};

/** Whether the answer reaches the caller. */
export function isReleased(verdict: Verdict): boolean {
  return verdict === Verdict.ALLOWED || verdict === Verdict.MODIFIED;
}

/** What the caller reads: the answer, a sentence that says it is withheld, or nothing when blocked. */
export function releasedContent(verdict: Verdict, answer: string): string {
  if (verdict === Verdict.BLOCKED) return "";
  return withheld[verdict] ?? answer;
}
