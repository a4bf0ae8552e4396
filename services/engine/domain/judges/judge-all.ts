import { createHash } from "node:crypto";
import type { Scope, Violation } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Judge } from "./judge.js";
import type { LlmJudge } from "./llm/llm-judge.js";

/** What all judges say of a text. */
export interface JointJudgement {
  /** Gravest first. */
  readonly violations: readonly Violation[];
  /** Why no judge speaks about the text; absent when one does. */
  readonly uncovered?: string;
}

/** Asks every judge. Rejects when one of them does. */
export async function judgeAll(
  judges: readonly Judge[],
  text: string,
  scope: Scope,
  signal: AbortSignal,
): Promise<JointJudgement> {
  const judgements = await Promise.all(judges.map(async (judge) => judge.judge(text, scope, signal)));
  const violations = judgements
    .flatMap((judgement) => [...judgement.violations])
    .sort((a, b) => b.severity - a.severity);
  const reasons = judgements.map(({ uncovered }) => uncovered);
  const uncovered = reasons.includes(undefined) ? undefined : reasons[0];
  return uncovered === undefined ? { violations } : { violations, uncovered };
}

/** Digest of all that judges a text: of the judges, and of a language model that is asked after them. */
export function detectorsDigest(judges: readonly Judge[], llmJudge: LlmJudge | undefined): string {
  return jointDigest(llmJudge?.digest ? [...judges, llmJudge] : judges);
}

/** Digest of all judges: that of the only one, or the SHA-256 of theirs in order. */
export function jointDigest(judges: readonly Pick<Judge, "name" | "digest">[]): string {
  const [first, ...others] = judges;
  if (first && others.length === 0) return first.digest;
  const all = judges.map(({ name, digest }) => `${name} ${digest}`).join("\n");
  return createHash("sha256").update(all).digest("hex");
}
