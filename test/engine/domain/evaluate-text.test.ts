import { describe, expect, it } from "vitest";
import { TextRole, Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { defaults } from "../../../services/engine/config.js";
import { evaluateText } from "../../../services/engine/domain/evaluate-text.js";
import type { Judge } from "../../../services/engine/domain/judges/judge.js";
import { fixedClock, never, pipelineDeps, ruleJudge, shippedRules } from "../fixture.js";

const text = {
  tenant: "default",
  text: "What time is it?",
  role: TextRole.USER,
  strictness: 0.9,
  policy: shippedRules,
};

describe("judging a text", () => {
  it.each<[string, Judge["judge"]]>([
    ["fails", () => Promise.reject(new Error("no"))],
    ["never answers", () => new Promise(() => {})],
  ])("is unavailable, and without a score, when a judge %s", async (_, judge) => {
    const budgets = { ...defaults.budgets, screen_input: 20 };
    const deps = pipelineDeps({ judges: [ruleJudge, { name: "broken", digest: "0", judge }], budgets });
    const { response } = await evaluateText(text, deps, never);
    expect(response.verdict).toBe(Verdict.CHECK_UNAVAILABLE);
    expect(response.evaluation?.overallScore).toBeUndefined();
  });

  it("is unavailable when a judge took longer than it may", async () => {
    const clock = fixedClock();
    const judge: Judge["judge"] = (judged, scope) => {
      clock.advance(defaults.budgets.screen_input + 1);
      return ruleJudge.judge(judged, scope);
    };
    const deps = pipelineDeps({ clock, judges: [{ ...ruleJudge, judge }] });
    expect((await evaluateText(text, deps, never)).response.verdict).toBe(Verdict.CHECK_UNAVAILABLE);
  });

  it("ends when the caller goes", async () => {
    const gone = new AbortController();
    const judge = () => {
      gone.abort(new Error("gone"));
      return new Promise<never>(() => {});
    };
    const deps = pipelineDeps({ judges: [{ name: "slow", digest: "0", judge }] });
    await expect(evaluateText(text, deps, gone.signal)).rejects.toThrow("gone");
  });
});
