import { contentTerms } from "../retrieval/terms.js";

/** How support is asked for: a question alone, a short answer to one, a longer one, or a statement without a question. */
export const supportModes = ["question", "short answer", "long answer", "statement"] as const;

/** A way in which support is asked for. */
export type SupportMode = (typeof supportModes)[number];

/** An answer of more content terms than this says more than a name, a date or a number. */
const mostOfShort = 5;

/** Mode of an answer to a question. */
export function answerMode(answer: string): SupportMode {
  return contentTerms(answer).length <= mostOfShort ? "short answer" : "long answer";
}
