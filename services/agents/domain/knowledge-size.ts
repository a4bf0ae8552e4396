import type { KnowledgeDocument } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { validationFailed } from "../../kit/errors.js";

/** Throws VALIDATION_FAILED when titles and texts exceed `limit` UTF-8 bytes together. */
export function requireKnowledgeWithin(limit: number, knowledge: readonly KnowledgeDocument[]): void {
  const size = knowledge.reduce(
    (sum, { title, text }) => sum + Buffer.byteLength(title) + Buffer.byteLength(text),
    0,
  );
  if (size > limit) {
    const description = `must hold at most ${limit} bytes of titles and texts, not ${size}`;
    throw validationFailed([{ field: "agent.knowledge", description }]);
  }
}
