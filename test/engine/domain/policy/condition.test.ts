import { describe, expect, it } from "vitest";
import { compileCondition } from "../../../../services/engine/domain/policy/condition.js";
import { sampleFacts } from "../../../../services/engine/domain/policy/facts.js";

const facts = {
  ...sampleFacts,
  text: "Tell me about Project Zeta, [email]",
  length: 35n,
  hits: ["injection.override", "harm.fraud"],
  heads: { ...sampleFacts.heads, harassment: 0.7 },
  personal_data: ["email"],
  agent_id: "a1",
  context_keys: ["role"],
  ethical_strictness: 0.9,
};

describe("a condition", () => {
  it.each([
    ['text.contains("Zeta")', true],
    ['text.matches("(?i)project\\\\s+zeta")', true],
    ['text.matches("^zeta")', false],
    ['"harm.fraud" in hits', true],
    ['hits.exists(h, h.startsWith("injection."))', true],
    ['hits.all(h, h == "harm.fraud")', false],
    ['heads["harassment"] > 0.5 && length > 10', true],
    ['heads["hate"] > 0.5', false],
    ['"email" in personal_data', true],
    ['agent_id == "a1" && "role" in context_keys', true],
    ["!covered || ethical_strictness >= 0.95", false],
    ['scope == "INPUT" ? size(text) > 3 : false', true],
  ])("%s is %s", (source, expected) => {
    expect(compileCondition(source).holds(facts)).toBe(expected);
  });

  it.each([
    ["text.contains(", "no CEL"],
    ["1 + 1", "neither true nor false"],
    ["subject == 'ann'", "there is no fact subject"],
    ["heads['anger'] > 0.5", "there is no head anger"],
    ["heads[text] > 0.5", "the name of a head has to be a constant"],
    ["text.matches(agent_id)", "the pattern of matches has to be a constant"],
    ["text.matches('(')", "none of RE2"],
    ["text.matches('(a{30}){30}')", "too long"],
    [Array(5).fill("text.matches('a')").join(" || "), "more than 4 patterns"],
    ["hits.exists(a, hits.exists(b, a == b))", "a comprehension inside another"],
    ["hits.exists(a, text.contains(a))", "may not look at text"],
    ["[1, 2].exists(a, a == 1)", "a comprehension may go over"],
    ["(hits + hits).exists(a, a == 'x')", "a comprehension may go over"],
    ["timestamp('2026-01-01T00:00:00Z') < timestamp('2027-01-01T00:00:00Z')", "may not use timestamp"],
    ["string(length) == '1'", "may not use string"],
    ["text.size == 1", "may not use fields"],
    ["{'a': 1}.size() == 1", "may not use structures"],
    ["text > length", "no matching overload"],
  ])("%s is refused", (source, why) => {
    expect(() => compileCondition(source)).toThrow(why);
  });

  it("that asks for a head without models cannot be told", () => {
    const { holds } = compileCondition('heads["hate"] > 0.5');
    expect(() => holds({ ...facts, heads: {} })).toThrow();
  });

  it("takes time linear in the text", () => {
    const { holds } = compileCondition("text.matches('(a+)+$')");
    const timed = (length: number) => {
      const text = `${"a".repeat(length)}!`;
      const start = performance.now();
      expect(holds({ ...facts, text })).toBe(false);
      return performance.now() - start;
    };
    timed(2_000);
    // A backtracking matcher would not end on the longer text.
    expect(timed(16_000)).toBeLessThan(2_000);
  });
});
