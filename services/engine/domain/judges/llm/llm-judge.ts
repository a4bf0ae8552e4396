import { createHash } from "node:crypto";
import { type Opinion, Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";

/** A text on which a language model may be asked. */
export interface OpinionRequest {
  /** Masked. */
  readonly text: string;
  readonly scope: Scope;
  /** What was asked, masked, where the text belongs to an answer. */
  readonly question?: string | undefined;
  /** Whether a head warns, or a rule on heads alone has something to say. */
  readonly uncertain: boolean;
}

/** A language model that is asked as judge, after rules and heads. */
export interface LlmJudge {
  readonly name: string;
  /** SHA-256 in hex of all that decides its opinions and when it is asked: model, prompt, thresholds. */
  readonly digest: string;
  /** Whether without its opinion the verdict is CHECK_UNAVAILABLE, whatever its rules say. */
  readonly failsClosed: boolean;
  /** Whether it is to be asked. */
  wants(request: Pick<OpinionRequest, "scope" | "uncertain">): boolean;
  /** Begins with a request of a tenant: what is asked for it is kept for that tenant alone. */
  begin(tenant: string): SecondOpinions;
}

/** Asks for opinions in one request. */
export interface SecondOpinions extends Pick<LlmJudge, "failsClosed"> {
  /** How much longer a check may take for them, in milliseconds. */
  readonly mostMs: number;
  readonly ask: AskOpinion;
}

/**
 * The opinion on a text, one that FAILED among them; undefined when it is not
 * asked for. One text has one opinion in one request. Rejects only when `signal` aborts.
 */
export type AskOpinion = (
  request: OpinionRequest,
  signal: AbortSignal,
) => Promise<Opinion | undefined> | undefined;

/** An opinion, and the digest of what it is about. */
export interface NotedOpinion {
  readonly digest: string;
  readonly opinion: Opinion;
}

/** SHA-256 in hex of a masked text and of what it is judged in. */
export function opinionDigest({
  scope,
  question,
  text,
}: Pick<OpinionRequest, "scope" | "question" | "text">): string {
  const about = JSON.stringify([Scope[scope], question ?? null, text]);
  return createHash("sha256").update(about).digest("hex");
}
