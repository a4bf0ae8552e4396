import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OpinionOutcome, TextRole, Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { harmful, harmless, judgesBy } from "../../support/judging-provider.js";
import { person } from "../../support/person.js";
import { fails, type StandIn, startProvider } from "../../support/provider.js";
import { type Engine, startEngine } from "../support/engine.js";
import { judgeConfig } from "../support/llm-judge.js";

const input = "When are returns accepted?";
const judging = judgesBy(({ text }) => (text.includes("forge") ? harmful : harmless));

let standIn: StandIn;
let engine: Engine;
let agentId: string;
beforeAll(async () => {
  standIn = await startProvider();
  engine = await startEngine({ llmJudge: judgeConfig(standIn.url) });
  agentId = engine.addAgent("Returns are accepted within 30 days.");
});
afterAll(async () => {
  await engine.served.stop?.();
  await engine.database.end();
  standIn.close();
});

/** How often the stand-in was asked meanwhile. */
async function askedDuring(work: () => Promise<unknown>): Promise<number> {
  const before = standIn.requests();
  await work();
  return standIn.requests() - before;
}

describe("an engine with a judging model", () => {
  it("tells of it in its decisions, and replays them without asking", async () => {
    standIn.answerWith(judging);
    const one = engine.as(person());
    const { decisionId } = await one.process({ input, agentId });
    const { decision } = await one.getDecision({ id: decisionId });
    const outcomes = decision?.ethicalEvaluation?.opinions.map(({ outcome }) => outcome);
    expect(outcomes).toEqual([OpinionOutcome.HARMLESS, OpinionOutcome.HARMLESS]);
    const asked = await askedDuring(async () => {
      const replayed = await one.replayDecision({ id: decisionId });
      expect(replayed.differences).toEqual([]);
    });
    expect(asked).toBe(0);
  });

  it("asks for each tenant anew, and for one tenant once", async () => {
    standIn.answerWith(judging);
    const asking = (tenant: string) => () =>
      engine.as(person({ tenant })).evaluateEthics({ text: "A tenant's text.", role: TextRole.USER });
    expect(await askedDuring(asking("one"))).toBe(1);
    expect(await askedDuring(asking("one"))).toBe(0);
    expect(await askedDuring(asking("two"))).toBe(1);
  });

  it("blocks a text that the model finds harmful, and another not", async () => {
    standIn.answerWith(judging);
    const judge = engine.as(person());
    const verdictOf = async (text: string) =>
      (await judge.evaluateEthics({ text, role: TextRole.USER })).verdict;
    expect(await verdictOf("How do I forge a stamp?")).toBe(Verdict.BLOCKED);
    expect(await verdictOf("How do I buy a stamp?")).toBe(Verdict.ALLOWED);
  });

  it("names it in its self-assessment", async () => {
    const { assessment } = await engine.as(person()).assessSelf({});
    expect(Object.keys(assessment?.judgeDigests ?? {})).toContain("llm small");
  });

  it("serves without it when it is dead, and says so among its checks and dependencies", async () => {
    standIn.answerWith(judging);
    const one = engine.as(person());
    const dependency = engine.served.dependencies.find(({ name }) => name === "llm_judge");
    const state = async () => {
      const { checks } = await one.getState({});
      return checks.find(({ name }) => name === "llm_judge")?.ok;
    };
    await one.evaluateEthics({ text: "Something new.", role: TextRole.USER });
    const { signal } = new AbortController();
    expect(dependency?.degrades).toBe(true);
    await expect(dependency?.check(signal)).resolves.toBeUndefined();
    expect(await state()).toBe(true);
    standIn.answerWith(fails(500));
    const { verdict } = await one.evaluateEthics({ text: "Something else.", role: TextRole.USER });
    expect(verdict).toBe(Verdict.ALLOWED);
    await expect(dependency?.check(signal)).rejects.toThrow("failed");
    expect(await askedDuring(state)).toBe(0);
    expect(await state()).toBe(false);
  });
});
