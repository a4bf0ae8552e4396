import { createHash } from "node:crypto";
import type { Rule } from "./rule.js";
import * as vocabulary from "./rules/vocabulary.js";
import { blockingThresholds, penalties } from "./severity.js";

/**
 * SHA-256, in hex, over all that decides a judgement by rules: the rules, the
 * words they are made of, the penalties and the blocking thresholds, as JSON
 * with sorted keys.
 */
export function policyDigest(rules: readonly Rule[]): string {
  const policy = { rules, vocabulary: { ...vocabulary }, penalties, blockingThresholds };
  return createHash("sha256").update(canonicalJson(policy)).digest("hex");
}

/** JSON with the keys of every object in code unit order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  );
}
