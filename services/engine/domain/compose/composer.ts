import type { Idf } from "../retrieval/bm25.js";
import type { Passage, PassageSource } from "../retrieval/passages.js";
import type { TokenCount, ToolCall } from "./completion.js";
import type { ProviderRequest } from "./provider.js";

/** A passage offered to a composer, masked and screened. */
export interface EvidencePassage {
  /** From 1, best first. */
  readonly number: number;
  readonly title: string;
  readonly source: PassageSource;
  readonly text: string;
  /** BM25. */
  readonly score: number;
  /** The passage as it is indexed, in which nothing is masked: whose it is, never what is told. */
  readonly origin?: Passage;
}

/** What an answer is composed from. */
export interface ComposeRequest {
  /** What is asked, masked. */
  readonly question: string;
  readonly evidence: readonly EvidencePassage[];
  readonly idf: Idf;
  /** The agent's own instructions; empty for none. */
  readonly instructions: string;
  /** The other texts of a conversation, masked, in order; absent for none. */
  readonly conversation?: readonly ConversationText[];
  /** Whether the answer has to stand on the evidence. */
  readonly grounded: boolean;
}

/** One text of a conversation. */
export interface ConversationText {
  /** Who wrote it; `parameters` for what the descriptions of tools and the like say. */
  readonly role: "system" | "user" | "assistant" | "tool" | "parameters";
  readonly text: string;
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
    | {
        readonly composed: true;
        /** Empty when there are tool calls alone. */
        readonly content: string;
        readonly toolCalls?: readonly ToolCall[];
        /** As a provider says it: `stop`, `length`, `tool_calls` or `content_filter`. */
        readonly finishReason?: string;
      }
    | { readonly composed: false; readonly reason: string }
  );

/** Composes answers. Rejects when it fails; the pipeline then falls back to the embedded one. */
export interface Composer {
  /** `extractive`, or the provider's id. */
  readonly id: string;
  compose(request: ComposeRequest, signal: AbortSignal): Composition | Promise<Composition>;
  /** Composes piece by piece: yields the content as it comes, returns all of it. */
  readonly composeInPieces?: (
    request: ComposeRequest,
    signal: AbortSignal,
  ) => AsyncGenerator<string, Composition>;
  /** The same composer with requests of another making; absent where it makes none. */
  readonly asking?: (requestOf: RequestOf) => Composer;
}

/** Makes the request for a provider of what an answer is composed from. */
export type RequestOf = (request: ComposeRequest) => ProviderRequest;
