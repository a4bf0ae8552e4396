import { Code, ConnectError } from "@connectrpc/connect";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { AnswerLabel, VerdictLabel } from "#gen/ts/consciousness/engine/v1/calibration_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { ConfidenceBasis } from "#gen/ts/consciousness/engine/v1/state_pb.js";
import type { Principal } from "../../services/kit/context.js";
import { errorFacts } from "../../services/kit/errors.js";
import { person } from "../support/person.js";
import { type Engine, startEngine } from "./support/engine.js";

const knowledge = "Lamps can be returned within 30 days of delivery. Chairs are made of oak in Norway.";
const question = "When can lamps be returned?";
const labelsNeeded = 5;

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine({ calibrationLabels: labelsNeeded });
});

afterAll(async () => {
  await engine.served.stop?.();
  await engine.database.end();
});

const ask = async (who: Principal, agentId: string, input = question) =>
  engine.as(who).process({ input, agentId });
const label = (who: Principal, decisionId: string, answer: AnswerLabel) =>
  engine.calibrationAs(who).recordFeedback({ decisionId, answer });

async function refusal(attempt: Promise<unknown>) {
  const error = await attempt.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return [error.code, errorFacts(error)?.reason];
}

/** Labels of new decisions, of which a share is called supported. */
async function labelMany(who: Principal, agentId: string, count: number, supportedEvery: number) {
  for (let at = 0; at < count; at++) {
    const { decisionId } = await ask(who, agentId);
    const answer = at % supportedEvery === 0 ? AnswerLabel.SUPPORTED : AnswerLabel.UNSUPPORTED;
    await label(who, decisionId, answer);
  }
}

describe("feedback", () => {
  it("is one say for each labeller, the latest, and several people's is their mean", async () => {
    const ada = person();
    const bob = person({ permissions: [Permission.CONSCIOUSNESS_ADMIN] });
    const agentId = engine.addAgent(knowledge);
    const { decisionId, confidenceLevel = 0 } = await ask(ada, agentId);
    await label(ada, decisionId, AnswerLabel.UNSUPPORTED);
    await label(ada, decisionId, AnswerLabel.SUPPORTED);
    const { labels, basis } = await label(bob, decisionId, AnswerLabel.UNSUPPORTED);
    expect([labels, basis]).toEqual([1, ConfidenceBasis.UNCALIBRATED]);
    const { shipped } = await engine.calibrationAs(ada).getCalibration({ agentId });
    expect(shipped?.brierScore).toBeCloseTo((confidenceLevel - 0.5) ** 2);
    expect(shipped?.bins[0]).toMatchObject({ count: 1, supported: 0.5 });
  });

  it("counts what is said of verdicts", async () => {
    const ada = person();
    const agentId = engine.addAgent(knowledge);
    const { decisionId } = await ask(ada, agentId);
    await engine.calibrationAs(ada).recordFeedback({ decisionId, verdict: VerdictLabel.TOO_LENIENT });
    const { verdicts, labels } = await engine.calibrationAs(ada).getCalibration({ agentId });
    expect(verdicts).toMatchObject([{ verdict: Verdict.ALLOWED, label: VerdictLabel.TOO_LENIENT, count: 1 }]);
    expect(labels).toBe(0);
  });

  it("is refused for a decision of somebody else, also of another tenant's administrator", async () => {
    const agentId = engine.addAgent(knowledge);
    const { decisionId } = await ask(person(), agentId);
    const stranger = person({ tenant: "other", permissions: [Permission.CONSCIOUSNESS_ADMIN] });
    for (const who of [person(), stranger]) {
      expect(await refusal(label(who, decisionId, AnswerLabel.SUPPORTED))).toEqual([
        Code.NotFound,
        "DECISION_NOT_FOUND",
      ]);
    }
  });

  it("says nothing of an answer that there was not", async () => {
    const ada = person();
    const { decisionId, verdict } = await ask(
      ada,
      engine.addAgent(knowledge),
      "Who painted the Night Watch?",
    );
    expect(verdict).toBe(Verdict.ABSTAINED);
    const stored = await engine.as(ada).getDecision({ id: decisionId });
    expect(stored.decision?.shippedConfidence).toBeUndefined();
    expect(await refusal(label(ada, decisionId, AnswerLabel.SUPPORTED))).toEqual([
      Code.FailedPrecondition,
      "DECISION_WITHOUT_ANSWER",
    ]);
  });

  it("tells of a label by an event without any text", async () => {
    const ada = person();
    const { decisionId } = await ask(ada, engine.addAgent(knowledge));
    await label(ada, decisionId, AnswerLabel.SUPPORTED);
    const rows = await sql<{ version: bigint; payload_type: string }>`
      select version, payload_type from engine.outbox
      where aggregate_type = 'feedback' order by position desc limit 1`.execute(engine.db);
    expect(rows.rows).toMatchObject([
      { version: 1n, payload_type: "consciousness.engine.v1.FeedbackRecorded" },
    ]);
  });
});

describe("the confidence of an agent", () => {
  it("is not known to be right until there are enough labels, and moves with them then", async () => {
    const ada = person();
    const agentId = engine.addAgent(knowledge);
    const before = await ask(ada, agentId);
    expect(before.confidenceBasis).toBe(ConfidenceBasis.CALIBRATED);
    await labelMany(ada, agentId, labelsNeeded * 5 - 1, 4);
    const early = await engine.calibrationAs(ada).getCalibration({ agentId });
    expect(early).toMatchObject({ basis: ConfidenceBasis.UNCALIBRATED, labels: labelsNeeded * 5 - 1 });
    expect(early.recalibrated).toBeUndefined();

    await labelMany(ada, agentId, 1, 2);
    const known = await engine.calibrationAs(ada).getCalibration({ agentId });
    expect(known).toMatchObject({ basis: ConfidenceBasis.RECALIBRATED, labelsNeeded });
    expect(known.recalibrated?.brierScore).toBeLessThan(known.shipped?.brierScore ?? 0);

    await expect
      .poll(async () => (await ask(ada, agentId)).confidenceBasis)
      .toBe(ConfidenceBasis.RECALIBRATED);
    const after = await ask(ada, agentId);
    expect(after.confidenceLevel).toBeLessThan(before.confidenceLevel ?? 0);
    const { decision } = await engine.as(ada).getDecision({ id: after.decisionId });
    expect(decision?.shippedConfidence).toBeCloseTo(before.confidenceLevel ?? 0);
  });

  it("withholds more when labels say so, and never less", async () => {
    const ada = person();
    const weak = "Who makes chairs of oak in Norway?";
    const distrusted = engine.addAgent(knowledge);
    expect((await ask(ada, distrusted)).verdict).toBe(Verdict.ALLOWED);
    await labelMany(ada, distrusted, labelsNeeded * 20, 20);
    await expect.poll(async () => (await ask(ada, distrusted)).verdict).toBe(Verdict.ABSTAINED);

    const trusted = engine.addAgent(knowledge);
    const withheld = await ask(ada, trusted, weak);
    for (let at = 0; at < labelsNeeded * 5; at++) {
      const { decisionId } = await ask(ada, trusted);
      await label(ada, decisionId, at < labelsNeeded ? AnswerLabel.UNSUPPORTED : AnswerLabel.SUPPORTED);
    }
    await expect
      .poll(async () => (await ask(ada, trusted)).confidenceBasis)
      .toBe(ConfidenceBasis.RECALIBRATED);
    expect((await ask(ada, trusted, weak)).verdict).toBe(withheld.verdict);
  });

  it("of one tenant is not moved by labels of another, nor told to it", async () => {
    const ada = person();
    const eve = person({ tenant: "other" });
    const agentId = engine.addAgent(knowledge);
    const { decisionId } = await ask(ada, agentId);
    await label(ada, decisionId, AnswerLabel.SUPPORTED);
    const { labels, shipped } = await engine.calibrationAs(eve).getCalibration({ agentId });
    expect([labels, shipped]).toEqual([0, undefined]);
  });

  it("is not told of an agent that does not exist", async () => {
    const agentId = person().subject;
    expect(await refusal(engine.calibrationAs(person()).getCalibration({ agentId }))).toEqual([
      Code.NotFound,
      "AGENT_NOT_FOUND",
    ]);
  });
});
