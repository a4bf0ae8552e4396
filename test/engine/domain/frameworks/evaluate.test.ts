import { describe, expect, it } from "vitest";
import { Basis, Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import {
  evaluateEthics,
  frameworks,
  overall,
} from "../../../../services/engine/domain/frameworks/evaluate.js";
import { type ModelView, modelView } from "../../../../services/engine/domain/frameworks/model-view.js";
import { violation } from "../../../../services/engine/domain/judges/rule-judge.js";
import { rulesById } from "../../../../services/engine/domain/judges/rules/catalogue.js";
import { blocks } from "../../../../services/engine/domain/judges/severity.js";
import { shippedTextModel } from "../../../../services/engine/domain/models/shipped.js";
import { effectivePolicy } from "../../../../services/engine/domain/policy/policy.js";

const hit = (id: string) => violation(rulesById.get(id)!, Scope.INPUT, []);
const under = { policy: effectivePolicy([]), detectorsDigest: "d", strictness: 0.9 };
const evaluate = (text: string, ids: string[] = [], uncovered?: string) =>
  evaluateEthics(frameworks, { text, violations: ids.map(hit), uncovered, ...under, reasoning: [] });
const scores = (evaluation: ReturnType<typeof evaluate>) =>
  Object.fromEntries(evaluation.frameworkScores.map(({ framework, score }) => [framework, score]));

describe("the frameworks", () => {
  it("say nothing where they cannot judge, and are listed all the same", () => {
    const evaluation = evaluate("When do you open?");
    expect(scores(evaluation)).toEqual({
      deontological: 1,
      utilitarian: undefined,
      justice: undefined,
      care: undefined,
      virtue: undefined,
    });
    expect(evaluation.overallScore).toBe(1);
    expect(evaluation.disagreement).toBeUndefined();
    for (const { weakness, evidence, weight } of evaluation.frameworkScores) {
      expect(weakness).not.toBe("");
      expect(evidence).not.toBe("");
      expect(weight).toBeGreaterThan(0);
    }
  });

  const judged = (text: string, model: ModelView) =>
    evaluateEthics(frameworks, { text, violations: [], ...under, reasoning: [], model });

  it("take from the first what the heads hold for a violation", () => {
    const violation = { probability: 0.3, head: "harassment" } as const;
    const evaluation = judged("You are late again.", { violation, ethics: {} });
    expect(scores(evaluation).deontological).toBeCloseTo(0.7);
    expect(evaluation.frameworkScores[0]).toMatchObject({ basis: Basis.MODEL });
    expect(evaluation.frameworkScores[0]?.evidence).toContain("harassment with 0.300");
  });

  it("hear the heads of ethics as weak signs where those can speak", () => {
    const violation = { probability: 0.1, head: "hate" } as const;
    const ethics = { deontology: 0.2, justice: 0.4, utility: 0.6 };
    expect(scores(judged("I kept it because I liked it.", { violation, ethics }))).toMatchObject({
      deontological: 0.6,
      justice: 0.7,
      utilitarian: 0.8,
    });
  });

  it("hear those heads about short accounts in the first person alone", () => {
    const reading = shippedTextModel().read("I kept the money because nobody saw it.");
    const heads = (text: string) => Object.keys(modelView(reading, text, Scope.INPUT).ethics).sort();
    expect(heads("I kept the money because nobody saw it.")).toEqual(["deontology", "justice", "utility"]);
    expect(heads("I sang.")).toEqual(["utility"]);
    expect(heads("How do I keep money?")).toEqual([]);
    expect(heads("The report is due.")).toEqual([]);
    expect(heads(`I ${"sang and ".repeat(100)}left because of rain.`)).toEqual([]);
  });

  it("weigh a named benefit against a harm", () => {
    expect(scores(evaluate("How do we protect children?")).utilitarian).toBe(1);
    expect(scores(evaluate("x", ["harm.explosives"])).utilitarian).toBeCloseTo(0.2);
    expect(scores(evaluate("How do we protect children?", ["harm.explosives"])).utilitarian).toBeCloseTo(0.7);
  });

  it.each([
    ["harm.hate_content", { justice: 0.4, care: 0.4, virtue: undefined }],
    ["harm.fraud", { justice: 0.4, virtue: 0.4, care: undefined }],
    ["harm.sexual_minors", { justice: 0, care: 0 }],
    ["personal_data.card", { care: 0.9, justice: undefined }],
  ])("that %s concerns give their scores", (id, expected) => {
    expect(scores(evaluate("x", [id]))).toMatchObject(expected);
  });

  it("cap the overall score by the worst violation and show their disagreement", () => {
    const evaluation = evaluate("How do we protect children?", ["harm.explosives"]);
    expect(evaluation.overallScore).toBeCloseTo(0.4);
    expect(evaluation.disagreement).toBeCloseTo(0.7 - 0.4);
  });

  it("give no score at all to a text that nothing covers", () => {
    const evaluation = evaluate("qué", [], "a script without rules");
    expect(evaluation.overallScore).toBeUndefined();
    expect(evaluation.frameworkScores[0]?.evidence).toContain("a script without rules");
  });

  it("recommend once for each rule", () => {
    const evaluation = evaluate("x", ["harm.fraud", "harm.fraud"]);
    expect(evaluation.recommendations.map(({ ruleId }) => ruleId)).toEqual(["harm.fraud"]);
  });

  it("count by weight", () => {
    const judged = [
      { score: 1, weight: 3 },
      { score: 0.2, weight: 1 },
    ];
    expect(overall(judged, [])).toBeCloseTo(0.8);
    expect(overall([], [])).toBeUndefined();
  });
});

describe("what strictness moves", () => {
  // The table of ProcessOptions.ethical_strictness, at each end and on either side of each threshold.
  const table: readonly (readonly [Severity, number | undefined])[] = [
    [Severity.CRITICAL, 0],
    [Severity.HIGH, 0.5],
    [Severity.MEDIUM, 0.95],
    [Severity.LOW, undefined],
  ];
  const of = (severity: Severity) =>
    violation({ ...rulesById.get("harm.fraud")!, severity }, Scope.INPUT, []);

  it.each(table)("is from where a violation of severity %i blocks: %s", (severity, from) => {
    const hit = of(severity);
    expect(blocks(hit, 0)).toBe(from === 0);
    expect(blocks(hit, 1)).toBe(from !== undefined);
    if (from === undefined) return;
    expect(blocks(hit, from)).toBe(true);
    if (from > 0) expect(blocks(hit, from - 0.001)).toBe(false);
  });
});

describe("disagreement", () => {
  it("names who is farthest apart, and nobody where fewer than two judge", () => {
    const far = evaluate("Volunteers protect and heal people.", ["harm.fraud"]);
    const judged = far.frameworkScores.filter(({ score }) => score !== undefined);
    const scoreOf = (name?: string) =>
      judged.find(({ framework }) => framework === name)?.score ?? Number.NaN;
    const { highest, lowest } = far.disagreementBetween ?? {};
    expect(judged.length).toBeGreaterThan(1);
    expect(scoreOf(highest)).toBe(Math.max(...judged.map(({ score = 0 }) => score)));
    expect(scoreOf(lowest)).toBe(Math.min(...judged.map(({ score = 1 }) => score)));
    expect(far.disagreement).toBeCloseTo(scoreOf(highest) - scoreOf(lowest));
    expect(evaluate("When do you open?").disagreementBetween).toBeUndefined();
  });
});
