import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { splitClauses } from "../models/clauses.js";
import { foldForFeatures } from "../models/fold.js";
import { type EthicsHead, type SafetyHead, safetyHeads } from "../models/heads.js";
import type { TextReading } from "../models/text-model.js";

/** What the trained heads tell the frameworks about a text. */
export interface ModelView {
  /** Calibrated probability of the likeliest violation, and the head that sees it. */
  readonly violation: { readonly probability: number; readonly head: SafetyHead };
  /** Probability that what is told is acceptable, by heads that can speak about such a text. */
  readonly ethics: Readonly<Partial<Record<EthicsHead, number>>>;
}

/** A longer text tells more than one thing. */
const longestStory = 600;

/** What the heads say; those of ethics speak only about a short account in the first person. */
export function modelView({ safety, ethics }: TextReading, text: string, scope: Scope): ModelView {
  const heads = safetyHeads.filter((head) => scope === Scope.EVIDENCE || head !== "instruction_in_data");
  const likeliest = heads.reduce((best, head) =>
    safety[head].probability > safety[best].probability ? head : best,
  );
  return {
    violation: { probability: safety[likeliest].probability, head: likeliest },
    ethics: ethicsOf(text, ethics),
  };
}

function ethicsOf(text: string, ethics: TextReading["ethics"]): ModelView["ethics"] {
  if (text.length > longestStory) return {};
  const folded = foldForFeatures(text).trim();
  if (folded.endsWith("?") || !isFirstPerson(folded)) return {};
  const { utility, ...clausal } = ethics;
  return splitClauses(folded) ? { utility, ...clausal } : { utility };
}

function isFirstPerson(folded: string): boolean {
  return folded.startsWith("i ") || folded.startsWith("my ") || folded.startsWith("i'");
}
