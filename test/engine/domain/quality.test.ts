import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QualityComponentsSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { assessAnswer } from "../../../services/engine/domain/assess-answer.js";
import { cognitiveLoad, createLoadReader } from "../../../services/engine/domain/load.js";
import { coherence, completeness, qualityIndex } from "../../../services/engine/domain/quality.js";
import { coverage } from "../../../services/engine/domain/support.js";
import { builtIn } from "../fixture.js";

const even = () => 1;
const share = fc.double({ min: 0, max: 1, noNaN: true });

describe("the quality index", () => {
  it("is the weighted geometric mean, and lies between its least and greatest component", () => {
    fc.assert(
      fc.property(share, share, share, share, (support, ethics, completeness, coherence) => {
        const index = qualityIndex(
          create(QualityComponentsSchema, { support, ethics, completeness, coherence }),
        );
        const parts = [support, ethics, completeness, coherence];
        expect(index).toBeGreaterThanOrEqual(Math.min(...parts) - 1e-9);
        expect(index).toBeLessThanOrEqual(Math.max(...parts) + 1e-9);
      }),
    );
    const components = { support: 0.5, ethics: 0.9, completeness: 0.8, coherence: 1 };
    const expected = Math.exp(0.4 * Math.log(0.5) + 0.3 * Math.log(0.9) + 0.2 * Math.log(0.8));
    expect(qualityIndex(create(QualityComponentsSchema, components))).toBeCloseTo(expected, 12);
  });
});

describe("completeness", () => {
  it("is the share of the question that the answer or its evidence takes up", () => {
    const passages = [{ title: "", text: "tea" }];
    expect(completeness("tea, coffee, milk or juice?", "Coffee.", passages, even)).toBe(0.5);
    expect(completeness("what is it?", "", [], even)).toBe(1);
  });
});

describe("coherence", () => {
  it.each([
    ["One thing. Another thing.", 1],
    ["One thing. One thing.", 0.5],
    ["One thing. And it breaks", 0.5],
    ['He said "yes."', 1],
    ["", 0],
  ])("of %j is %d", (content, expected) => {
    expect(coherence(content)).toBe(expected);
  });
});

describe("support", () => {
  it("is the share of the terms that the best passage of each sentence has", () => {
    const one = assessAnswer({ text: "Tea is hot." }, ["Tea is a drink.", "Ice is not hot."], builtIn);
    expect(one.support).toBeGreaterThan(0.3);
    expect(one.support).toBeLessThan(0.7);
    expect(assessAnswer({ text: "Tea is hot." }, ["Hot tea."], builtIn).support).toBe(1);
    expect(assessAnswer({ text: "Yes." }, ["Yes."], builtIn).support).toBeGreaterThan(0);
    expect(assessAnswer({ text: "It is." }, ["Tea."], builtIn).support).toBe(0);
  });

  it("names numbers and names that no passage has, and weak sentences", () => {
    const answer = "The tea costs 4 euros. We met Alice there.";
    const assessment = assessAnswer({ text: answer }, ["The tea costs 3 euros."], builtIn);
    expect(assessment.unsupportedTerms).toEqual(["4", "Alice"]);
    expect(assessment.weakSentences).toEqual(["We met Alice there."]);
    expect(assessment.confidence).toBeUndefined();
  });

  it("has no share of nothing", () => {
    expect(coverage(new Set(), new Set(["a"]), even)).toBeUndefined();
  });
});

describe("cognitive load", () => {
  const load = { inFlight: 5, limit: 10, queueMs: 20, queueBudgetMs: 100 };

  it.each([
    [0.1, {}, 0.5],
    [0.9, {}, 0.9],
    [0.1, { queueMs: 80 }, 0.8],
    [0.1, { inFlight: 30 }, 1],
    [Number.NaN, { inFlight: 0, queueMs: 0 }, 0],
    [0, { inFlight: 3, limit: 0, queueMs: 0 }, 0],
  ])("of event loop %d and %j is %d", (eventLoop, change, expected) => {
    expect(cognitiveLoad(eventLoop, { ...load, ...change })).toBe(expected);
  });

  it("is read from this process", () => {
    const reading = createLoadReader(() => load)();
    expect(reading).toBeGreaterThanOrEqual(0.5);
    expect(reading).toBeLessThanOrEqual(1);
  });
});
