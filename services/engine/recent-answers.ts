import { LRUCache } from "lru-cache";
import type { Principal } from "../kit/context.js";
import type { RecentAnswers, Sketch } from "./domain/novelty.js";

/** Answers of one agent to one caller that are compared with the next. */
const mostAnswers = 10;
/** Callers and agents together: at most 10 MiB with all of their answers. */
const mostPairs = 500;

/**
 * Remembers the last answers of this process as sketches, which hold no text.
 * Each caller's apart, so that nobody learns from a figure what others were
 * answered.
 */
export function createRecentAnswers() {
  const known = new LRUCache<string, Sketch[]>({ max: mostPairs });
  return (principal: Pick<Principal, "tenant" | "subject">, agentId: string): RecentAnswers => {
    const key = JSON.stringify([principal.tenant, principal.subject, agentId]);
    return {
      latest: () => known.get(key) ?? [],
      add: (answer) => {
        known.set(key, [...(known.get(key) ?? []), answer].slice(-mostAnswers));
      },
    };
  };
}
