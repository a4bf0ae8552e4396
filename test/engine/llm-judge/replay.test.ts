import { describe, expect, it } from "vitest";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { OpinionOutcome, Scope, Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { differences } from "../../../services/engine/domain/replay/differences.js";
import { replayDecision } from "../../../services/engine/domain/replay/replay.js";
import type { AskingJudge } from "../../../services/engine/llm-judge.js";
import { harmful, harmless, judges, judgesBy } from "../../support/judging-provider.js";
import { policyOf } from "../domain/policy/policy-documents.js";
import { never, pipelineDeps, shippedRules } from "../fixture.js";
import { decideWith, evaluationOf, judgingModel, readers } from "./setup.js";

const { judging } = judgingModel();

describe("a replay", () => {
  const replay = (decision: Decision, llmJudge?: AskingJudge, policy = shippedRules) =>
    replayDecision(decision, policy, pipelineDeps({ ...readers, ...(llmJudge && { llmJudge }) }), never);
  const recorded = (decision: Decision) =>
    evaluationOf(decision).opinions.map(({ durationMs: _, ...one }) => one);

  it("takes opinions from the record and asks nobody", async () => {
    const { judge, asked } = judging(judgesBy(({ role }) => (role === "answer" ? harmful : harmless)));
    const decision = await decideWith(judge);
    const before = asked();
    const again = await replay(decision, judge);
    expect(asked()).toBe(before);
    expect(again.decision.verdict).toBe(decision.verdict);
    expect(recorded(again.decision)).toEqual(recorded(decision));
    expect(evaluationOf(again.decision).detectorsDigest).toBe(evaluationOf(decision).detectorsDigest);
    expect(again.decision.replay?.opinionDigests).toEqual(decision.replay?.opinionDigests);
  });

  it("does so where no judge is configured any more, and where another is", async () => {
    const decision = await decideWith(judging(judges(harmful)).judge);
    expect((await replay(decision)).decision.verdict).toBe(Verdict.BLOCKED);
    const other = judging(judges(harmless), { thresholds: { blockFrom: 1, lowerFrom: 1 } });
    expect((await replay(decision, other.judge)).decision.verdict).toBe(Verdict.BLOCKED);
    expect(other.asked()).toBe(0);
  });

  it("says which opinion is not on record, and asks for none", async () => {
    const decision = await decideWith();
    const { judge, asked } = judging(judges(harmful));
    const again = await replay(decision, judge);
    expect(asked()).toBe(0);
    expect(again.decision.verdict).toBe(decision.verdict);
    expect(evaluationOf(again.decision).opinions).toMatchObject([
      { scope: Scope.INPUT, outcome: OpinionOutcome.NOT_ON_RECORD },
      { scope: Scope.OUTPUT, outcome: OpinionOutcome.NOT_ON_RECORD },
    ]);
    const told = differences(decision, again.decision).filter(({ field }) => field.startsWith("opinion"));
    expect(told).toMatchObject([
      { field: "opinion INPUT", before: "", after: "is not on record" },
      { field: "opinion OUTPUT", before: "", after: "is not on record" },
    ]);
  });

  it("weighs what is on record by the policy that it is under", async () => {
    const decision = await decideWith(judging(judges(harmful)).judge);
    const off = policyOf(
      '{"rules": [{"id": "llm.harm", "state": "OFF"}, {"id": "llm.injection", "state": "OFF"}]}',
    );
    expect((await replay(decision, undefined, off)).decision.verdict).not.toBe(Verdict.BLOCKED);
  });
});
