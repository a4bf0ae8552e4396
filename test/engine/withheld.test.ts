import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { ReflectionStop } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Principal } from "../../services/kit/context.js";
import { person } from "../support/person.js";
import { type Engine, startEngine } from "./support/engine.js";

const knowledge = "Lamps can be returned within 30 days of delivery.";

let engine: Engine;
let ada: Principal;
let admin: Principal;
let withheld: string;
let released: string;

beforeAll(async () => {
  engine = await startEngine();
  ada = person();
  admin = person({ permissions: [Permission.CONSCIOUSNESS_ADMIN] });
  const agentId = engine.addAgent(knowledge);
  const ask = (qualityThreshold: number) =>
    engine.as(ada).process({
      input: "When can lamps be returned?",
      agentId,
      options: { qualityThreshold },
    });
  const answers = [await ask(1), await ask(0)];
  expect(answers.map(({ verdict }) => verdict)).toEqual([Verdict.ABSTAINED, Verdict.ALLOWED]);
  [withheld = "", released = ""] = answers.map(({ decisionId }) => decisionId);
});

afterAll(async () => {
  await engine.served.stop?.();
  await engine.database.end();
});

const told = (answer: object) =>
  JSON.stringify(answer, (_, value) => (typeof value === "bigint" ? String(value) : value));

describe("an answer that was withheld", () => {
  it("is read by who reads every decision of the tenant, and by nobody else", async () => {
    const { decision: whole } = await engine.as(admin).getDecision({ id: withheld });
    expect(whole?.withheldContent).toContain("30 days");
    expect(whole?.replay).toBeDefined();
    const { decision: own } = await engine.as(ada).getDecision({ id: withheld });
    expect([own?.withheldContent, own?.replay, own?.verdict]).toEqual(["", undefined, Verdict.ABSTAINED]);
  });

  it("is not reflected upon for whoever asked", async () => {
    const own = await engine.as(ada).reflect({ decisionId: withheld });
    expect(own.stop).toBe(ReflectionStop.NO_ANSWER);
    expect(told(own)).not.toContain("30 days");
    expect((await engine.as(admin).reflect({ decisionId: withheld })).stop).not.toBe(
      ReflectionStop.NO_ANSWER,
    );
    expect((await engine.as(ada).reflect({ decisionId: released })).stop).not.toBe(ReflectionStop.NO_ANSWER);
  });

  it("is not among the differences that whoever asked gets of judging again", async () => {
    const replayed = await engine.as(ada).replayDecision({ id: withheld });
    expect(told(replayed)).not.toContain("30 days");
    expect(replayed.differences.map(({ field }) => field)).not.toContain("content");
  });
});
