import { describe, expect, it } from "vitest";
import { OpinionOutcome, Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { OpinionRequest } from "../../../services/engine/domain/judges/llm/llm-judge.js";
import type { AskingJudge } from "../../../services/engine/llm-judge.js";
import { harmful, harmless, judges } from "../../support/judging-provider.js";
import { fails } from "../../support/provider.js";
import { eventually } from "../../support/until.js";
import { fixedClock, never } from "../fixture.js";
import { judgingModel, opinionRequest } from "./setup.js";

const { judging } = judgingModel();

describe("an opinion is kept", () => {
  const ask = (judge: AskingJudge, text: string, tenant = "default", fields: Partial<OpinionRequest> = {}) =>
    judge.begin(tenant).ask(opinionRequest(text, fields), never);

  it("for the same text, judged in the same, by the same model and prompt, of the same tenant", async () => {
    const { judge, asked } = judging(judges(harmful));
    expect(await ask(judge, "one")).toMatchObject({ cached: false, cost: 50e-6 });
    expect(await ask(judge, "one")).toMatchObject({
      cached: true,
      outcome: OpinionOutcome.HARMFUL,
      severity: Severity.HIGH,
      inputTokens: 0,
    });
    expect(asked()).toBe(1);
    await ask(judge, "one", "another");
    await ask(judge, "two");
    await ask(judge, "one", "default", { scope: Scope.OUTPUT });
    await ask(judge, "one", "default", { question: "What?" });
    expect(asked()).toBe(5);
  });

  it("no longer than configured, and not at all where that is nothing", async () => {
    const clock = fixedClock();
    clock.advance(1);
    const { judge, asked } = judging(judges(harmless), { keptMs: 1_000 }, { clock });
    await ask(judge, "one");
    clock.advance(999);
    await ask(judge, "one");
    expect(asked()).toBe(1);
    clock.advance(2);
    await ask(judge, "one");
    expect(asked()).toBe(2);
    const never = judging(judges(harmless), { keptMs: 0 });
    await ask(never.judge, "one");
    await ask(never.judge, "one");
    expect(never.asked()).toBe(2);
  });

  it("and a failure is not", async () => {
    const { judge, asked } = judging([fails(500), judges(harmless)]);
    expect(await ask(judge, "one")).toMatchObject({ outcome: OpinionOutcome.FAILED });
    expect(await ask(judge, "one")).toMatchObject({ outcome: OpinionOutcome.HARMLESS });
    expect(asked()).toBe(2);
  });

  it("for all who ask at once", async () => {
    const { judge, asked } = judging(judges(harmless));
    await Promise.all([ask(judge, "one"), ask(judge, "one"), ask(judge, "one")]);
    expect(asked()).toBe(1);
  });

  it("and counted, by who had it and what it came to", async () => {
    const { judge, metrics } = judging([judges(harmful), fails(500)]);
    await ask(judge, "one");
    await ask(judge, "one");
    await ask(judge, "two");
    await eventually(async () => {
      const { body } = await metrics.expose();
      expect(body).toContain('llm_judge_opinions_total{source="provider",outcome="harmful"} 1');
      expect(body).toContain('llm_judge_opinions_total{source="cache",outcome="harmful"} 1');
      expect(body).toContain('llm_judge_opinions_total{source="none",outcome="failed"} 1');
      expect(body).toContain('cache_reads_total{cache="llm_opinions",outcome="hit"} 1');
      expect(body).toContain('llm_judge_duration_seconds_count{source="provider"} 1');
    });
  });
});
