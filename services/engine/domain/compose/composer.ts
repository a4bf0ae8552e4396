import type { Idf } from "../retrieval/bm25.js";
import type { PassageSource } from "../retrieval/passages.js";
import type { TokenCount } from "./completion.js";

/** A passage offered to a composer, masked and screened. */
export interface EvidencePassage {
  /** From 1, best first. */
  readonly number: number;
  readonly title: string;
  readonly source: PassageSource;
  readonly text: string;
  /** BM25. */
  readonly score: number;
}

/** What an answer is composed from. */
export interface ComposeRequest {
  /** What is asked, masked. */
  readonly question: string;
  readonly evidence: readonly EvidencePassage[];
  readonly idf: Idf;
  /** The agent's own instructions; empty for none. */
  readonly instructions: string;
}

/** What composing took; absent where nobody counts it. */
export interface ComposeUsage {
  readonly tokens?: TokenCount;
  /** In the currency of the provider's prices. */
  readonly cost?: number;
}

/** An answer, or why there is none. */
export type Composition = ComposeUsage &
  (
    | { readonly composed: true; readonly content: string }
    | { readonly composed: false; readonly reason: string }
  );

/** Composes answers. Rejects when it fails; the pipeline then falls back to the embedded one. */
export interface Composer {
  /** `extractive`, or the provider's id. */
  readonly id: string;
  compose(request: ComposeRequest, signal: AbortSignal): Composition | Promise<Composition>;
}
