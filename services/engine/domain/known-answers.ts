import { createHash } from "node:crypto";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { ComposeRequest } from "./compose/composer.js";
import { holdsMask } from "./judges/personal-data/personal-data.js";
import { canonicalJson } from "./judges/policy-digest.js";
import { tokensIn } from "./pseudonyms/token.js";
import type { Run } from "./run.js";

/** An answer as it was composed for an earlier request. */
export interface KnownAnswer {
  /** The decision on it. */
  readonly decisionId: string;
  readonly content: string;
  readonly finishReason: string;
}

/** What is asked, masked, with all that was found for it. */
export interface AnswerWanted extends ComposeRequest {
  readonly context: Readonly<Record<string, string>>;
}

/** Answers that an agent gave before, as one request may have them. */
export interface KnownAnswers {
  /** Undefined where there is none. Rejects only when `signal` aborts. */
  find(wanted: AnswerWanted, signal: AbortSignal): Promise<KnownAnswer | undefined>;
  /** Keeps the answer of the request's decision, once that is on record, if it may be kept. Does not wait. */
  keep(decision: Decision): void;
}

/** Whether an answer composed for another may be given: not where personal data is at stake. */
export function mayBeKnown({ personalData, told, question, request }: Run): boolean {
  const bare = personalData.length === 0 && told.length === 0 && tokensIn(question).length === 0;
  return bare && (request.pseudonyms?.placed.size ?? 0) === 0;
}

/** Whether the answer of a decision may be given to others. */
export function mayBeKept(decision: Decision): boolean {
  const { verdict, content, cached, personalData, toolCalls, finishReason, replay } = decision;
  const judged = replay?.complete === true && decision.ethicalEvaluation?.ruleFailures.length === 0;
  const whole = finishReason === "" || finishReason === "stop";
  const bare = personalData.length === 0 && !holdsMask(content) && tokensIn(content).length === 0;
  const answers = content !== "" && toolCalls.length === 0 && whole;
  return verdict === Verdict.ALLOWED && !cached && judged && bare && answers;
}

/**
 * SHA-256 in hex of everything that an answer depends on: what is wanted, and
 * `beside` that who answers and by which rules. Questions that differ in white
 * space have the same. Scores are left out, as passages stand in their order.
 */
export function answerKey(wanted: AnswerWanted, beside: unknown): string {
  const { question, evidence, instructions, conversation = [], grounded, context } = wanted;
  const key = {
    question: normalised(question),
    evidence: evidence.map(({ title, source, text }) => [title, source, text]),
    instructions,
    conversation: conversation.map(({ role, text }) => [role, text]),
    grounded,
    // Pairs, as a name such as `__proto__` is none of an object's own.
    context: Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)),
    beside,
  };
  return createHash("sha256").update(canonicalJson(key)).digest("hex");
}

/**
 * A question in composed form (NFC), with line ends as LF and without blanks at
 * the ends of lines and of the whole; runs of blanks inside a line are one.
 * Indentation stays, as it has a meaning in code; compatible characters (NFKC)
 * stay apart, as 10² is not 102.
 */
export function normalised(question: string): string {
  const lines = question.normalize("NFC").replace(/\r\n?/g, "\n").split("\n").map(normalisedLine);
  return lines.join("\n").trim();
}

function normalisedLine(line: string): string {
  const indentation = /^[ \t]*/.exec(line)?.[0] ?? "";
  const words = line.split(/[ \t]+/).filter((word) => word !== "");
  return words.length === 0 ? "" : indentation + words.join(" ");
}
