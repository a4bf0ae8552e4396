import { LRUCache } from "lru-cache";
import { createIndex, type PassageIndex } from "./retrieval/bm25.js";
import { type SourceDocument, splitPassages } from "./retrieval/passages.js";

/** An agent's knowledge as it is at one etag. */
export interface KnowledgeKey {
  readonly agentId: string;
  readonly etag: string;
  readonly documents: readonly SourceDocument[];
}

/** Indexes knowledge and keeps the most recently used indexes. */
export function createKnowledgeIndexes(mostAgents: number): (key: KnowledgeKey) => PassageIndex {
  const indexes = new LRUCache<string, PassageIndex>({ max: mostAgents });
  return ({ agentId, etag, documents }) => {
    const key = `${agentId} ${etag}`;
    const known = etag === "" ? undefined : indexes.get(key);
    if (known) return known;
    const index = createIndex(splitPassages(documents, "knowledge"));
    if (etag !== "") indexes.set(key, index);
    return index;
  };
}
