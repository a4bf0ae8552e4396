import type { Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";

/** The ethical frameworks, in the order they are reported. */
export const frameworkNames = ["deontological", "utilitarian", "justice", "care", "virtue"] as const;

/** An ethical framework. */
export type FrameworkName = (typeof frameworkNames)[number];

/** A rule as data: all of it counts into the policy digest. */
export interface Rule {
  /** Stable; appears in violations, logs and settings. */
  readonly id: string;
  readonly category: "injection" | "harm" | "personal_data";
  readonly severity: Severity;
  /** Which texts it judges. */
  readonly scopes: readonly Scope[];
  /** Frameworks beside the deontological that have something to say about a hit. */
  readonly frameworks: readonly FrameworkName[];
  /** What the rule says, in words. */
  readonly message: string;
  /** What to change so that the text passes. */
  readonly recommendation: string;
  /** Word patterns (see `compilePattern`), each of which is a hit. */
  readonly patterns: readonly string[];
  /**
   * Only in a question for a way to do it, or in an answer that instructs;
   * `request` takes commands and wishes, too. Left out: wherever it stands.
   */
  readonly asked?: "question" | "request";
  /** Not when one of these patterns matches in the same sentence. */
  readonly unless?: readonly string[];
  /** Not when the hit stands in quotation marks in a sentence about words. */
  readonly mentionable?: boolean;
  /** Literal strings of the folded text, each of which is a hit. */
  readonly literals?: readonly string[];
}
