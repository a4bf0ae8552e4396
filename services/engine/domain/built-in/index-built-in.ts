import { createIndex, type PassageIndex } from "../retrieval/bm25.js";
import { splitPassages } from "../retrieval/passages.js";
import { builtInDocuments } from "./documents.js";

/** The built-in documents, indexed: what the engine answers from, and ordinary English beside which words are rare. */
export function createBuiltInIndex(): PassageIndex {
  return createIndex(splitPassages(builtInDocuments, "built_in"));
}
