import type { Scope, Violation } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";

/** What a judge found in one text. */
export interface Judgement {
  /** Gravest first. Spans are in the text as given. */
  readonly violations: readonly Violation[];
  /** Why the judge cannot speak about this text; absent when it can. */
  readonly uncovered?: string;
}

/**
 * Something that judges a text: rules today; a trained model or a language
 * model fits beside them. A judge that cannot judge rejects, which is never
 * taken for "safe".
 */
export interface Judge {
  readonly name: string;
  /** SHA-256 in hex of all that decides its judgements: rules, weights, thresholds. */
  readonly digest: string;
  /** Ids of the rules that it can find hit; without them nobody can do without the judge. */
  readonly detectors?: readonly string[];
  /** Judges a text in which personal data is masked already. */
  judge(text: string, scope: Scope, signal?: AbortSignal): Judgement | Promise<Judgement>;
}
