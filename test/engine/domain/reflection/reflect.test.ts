import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecisionSchema, ReflectionStop } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { idfBeside } from "../../../../services/engine/domain/assess-answer.js";
import type { EvidencePassage } from "../../../../services/engine/domain/compose/composer.js";
import { coherence } from "../../../../services/engine/domain/quality.js";
import type { Draft } from "../../../../services/engine/domain/reflection/critique.js";
import { reflect } from "../../../../services/engine/domain/reflection/reflect.js";
import { reflectOnDecision } from "../../../../services/engine/domain/reflection/reflect-on-decision.js";
import { assessSupport } from "../../../../services/engine/domain/support.js";
import { builtIn } from "../../fixture.js";

const evidence: readonly EvidencePassage[] = [
  "Returns are accepted within 30 days. Bring the receipt with you.",
  "Shipping to Norway takes four days.",
].map((text, at) => ({ number: at + 1, title: "", source: "knowledge", text, score: 1 }));
const idf = idfBeside(evidence, builtIn);
const draft = (question: string, content: string): Draft => ({ question, content, evidence, idf });
const supportOf = (content: string) => assessSupport(content, evidence, idf).support;

describe("reflection", () => {
  it("leaves out what is unsupported, which raises support", () => {
    const before = "Returns are accepted within 30 days. The founder was born in Paris in 1950.";
    const { content, passes, depth } = reflect(draft("When are returns accepted?", before), 3);
    expect(content).toBe("Returns are accepted within 30 days.");
    expect(passes[0]).toMatchObject({ number: 1, critique: "unsupported", change: "left out 1 sentences" });
    expect(passes[0]?.supportAfter).toBe(supportOf(content));
    expect(passes[0]?.supportAfter).toBeGreaterThan(passes[0]?.supportBefore ?? 1);
    expect(depth).toBe(3);
  });

  it("leaves out a number that no passage has", () => {
    const before = "Returns are accepted within 30 days. Bring the receipt with you within 90 days.";
    const { content } = reflect(draft("When are returns accepted?", before), 3);
    expect(content).toBe("Returns are accepted within 30 days.");
  });

  it("adds what the evidence has and the answer left out, which raises support", () => {
    const before = "Returns are accepted within 30 days happily.";
    const question = "When are returns accepted, and how long takes shipping to Norway?";
    const { content, passes } = reflect(draft(question, before), 3);
    expect(content).toBe(`${before} Shipping to Norway takes four days.`);
    const pass = passes.find(({ critique }) => critique === "incomplete");
    expect(pass?.change).toBe("added a sentence of evidence 2");
    expect(pass?.supportAfter).toBeGreaterThan(pass?.supportBefore ?? 1);
  });

  it("leaves out repetitions, which raises support when they were the weaker part", () => {
    const weak = "Returns are gladly accepted within 30 days.";
    const before = `${weak} Bring the receipt with you. ${weak}`;
    const { content, passes } = reflect(draft("When are returns accepted with a receipt?", before), 3);
    expect(content).toBe(`${weak} Bring the receipt with you.`);
    const pass = passes.find(({ critique }) => critique === "redundant");
    expect(pass?.change).toBe("left out 1 repetitions");
    expect(pass?.supportAfter).toBeGreaterThan(pass?.supportBefore ?? 1);
    expect(coherence(content)).toBeGreaterThan(coherence(before));
  });

  it("masks personal data, which raises support as no passage has it", () => {
    const before = "Returns are accepted within 30 days by ann@mail.example.";
    const { content, passes } = reflect(draft("When are returns accepted?", before), 3);
    expect(content).toBe("Returns are accepted within 30 days by [email].");
    expect(passes[0]).toMatchObject({ critique: "personal_data", change: "masked 1 findings" });
    expect(passes[0]?.supportAfter).toBeGreaterThan(passes[0]?.supportBefore ?? 1);
  });

  it("puts right what its own revision brought about", () => {
    const { content, passes, depth } = reflect(
      draft("When are returns accepted?", "Elephants paint murals."),
      3,
    );
    expect(content).toBe("Returns are accepted within 30 days.");
    expect(passes.map(({ critique }) => critique)).toEqual(["incomplete", "unsupported"]);
    expect(depth).toBe(3);
  });

  it("stops when nothing improves, and says what it found", () => {
    const before = "Elephants paint murals.";
    const { content, passes, depth, stop } = reflect(draft("Who paints murals?", before), 3);
    expect(stop).toBe(ReflectionStop.NOTHING_IMPROVED);
    expect(content).toBe(before);
    expect(passes).toMatchObject([
      { critique: "unsupported", change: "", supportBefore: 0, supportAfter: 0 },
    ]);
    expect(depth).toBe(1);
  });

  it("finds nothing to criticise in a good answer", () => {
    const good = "Returns are accepted within 30 days.";
    expect(reflect(draft("When are returns accepted?", good), 3)).toEqual({
      content: good,
      passes: [],
      depth: 1,
      stop: ReflectionStop.NOTHING_TO_CRITICISE,
    });
  });

  it("tells what each change did to the figures by which it was made", () => {
    const { passes } = reflect(draft("When are returns accepted?", "Elephants paint murals."), 3);
    const changed = passes.filter(({ change }) => change !== "");
    expect(changed).toHaveLength(2);
    for (const one of changed) {
      expect(one.qualityAfter).toBeGreaterThan(one.qualityBefore);
    }
    expect(changed[0]?.coverageBefore).toBe(0);
    expect(changed[0]?.coverageAfter).toBeGreaterThan(0);
    expect(changed[1]).toMatchObject({
      supportBefore: changed[0]?.supportAfter,
      qualityBefore: changed[0]?.qualityAfter,
      coverageBefore: changed[0]?.coverageAfter,
    });
  });

  it("never makes a change that improves nothing, whatever the answer is made of", () => {
    const parts = [
      "Returns are accepted within 30 days.",
      "Returns are gladly accepted within 30 days.",
      "The founder was born in Paris in 1950.",
      "Bring the receipt with you",
      "Elephants paint murals.",
      "Shipping to Norway takes four days.",
    ];
    const answer = fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(answer, fc.integer({ min: 0, max: 3 }), (sentences, most) => {
        const question = "When are returns accepted, and how long takes shipping to Norway?";
        const reflection = reflect(draft(question, sentences.join(" ")), most);
        for (const one of reflection.passes.filter(({ change }) => change !== "")) {
          const same = one.qualityAfter === one.qualityBefore;
          expect(one.qualityAfter).toBeGreaterThanOrEqual(one.qualityBefore);
          if (same) expect(one.coverageAfter).toBeGreaterThan(one.coverageBefore);
        }
        const left = reflection.passes.filter(({ change }) => change === "");
        const clean = reflection.stop === ReflectionStop.NOTHING_TO_CRITICISE;
        expect(clean).toBe(most > 0 && left.length === 0);
        const again = reflect(draft(question, reflection.content), 3);
        if (most > 1 && reflection.stop !== ReflectionStop.DEPTH_REACHED) {
          expect(again.content).toBe(reflection.content);
        }
      }),
    );
  });

  it.each([
    ["no fault is left", 3, "Returns are accepted within 30 days.", "NOTHING_TO_CRITICISE"],
    [
      "its change leaves no fault",
      2,
      "Returns are accepted within 30 days. The founder was born in Paris.",
      "NOTHING_TO_CRITICISE",
    ],
    ["no change improves what is left", 2, "Elephants paint murals.", "NOTHING_IMPROVED"],
    ["it may only look", 1, "Returns are accepted within 30 days. The founder was born.", "DEPTH_REACHED"],
    ["it may not look", 0, "Returns are accepted within 30 days.", "DEPTH_REACHED"],
  ])("says that it stopped because %s", (_, most, content, stop) => {
    const question = content.startsWith("Elephants") ? "Who paints murals?" : "When are returns accepted?";
    expect(ReflectionStop[reflect(draft(question, content), most).stop]).toBe(stop);
  });

  it("says that it stopped at its depth where a revision brought about a fault", () => {
    const question = draft("When are returns accepted?", "Elephants paint murals.");
    const [two, three] = [reflect(question, 2), reflect(question, 3)];
    expect([two.depth, three.depth]).toEqual([2, 3]);
    expect(two.stop).toBe(ReflectionStop.DEPTH_REACHED);
    expect(three.stop).toBe(ReflectionStop.NOTHING_TO_CRITICISE);
  });

  it.each([
    [0, 0, false],
    [1, 1, false],
    [2, 2, true],
    [3, 3, true],
  ])("goes no deeper than %i", (most, depth, changes) => {
    const before = "Returns are accepted within 30 days. The founder was born in Paris.";
    const reflection = reflect(draft("When are returns accepted?", before), most);
    expect(reflection.depth).toBe(depth);
    expect(reflection.content !== before).toBe(changes);
    expect(reflection.passes.length > 0).toBe(most > 0);
  });
});

describe("reflection on a stored decision", () => {
  const stored = {
    id: "d",
    input: "When are returns accepted?",
    verdict: Verdict.ALLOWED,
    content: "Returns are accepted within 30 days. The founder was born in Paris.",
    qualityComponents: { support: 0.5, ethics: 1, completeness: 1, coherence: 1 },
    evidence: evidence.map(({ text, ...rest }) => ({ ...rest, passage: text })),
  };

  it("says what would have had better support, and changes nothing", () => {
    const decision = create(DecisionSchema, stored);
    const reflection = reflectOnDecision(decision, builtIn);
    expect(reflection.revisedContent).toBe("Returns are accepted within 30 days.");
    expect(reflection.after?.support).toBeGreaterThan(reflection.before?.support ?? 1);
    expect(reflection.before?.weakSentences).toEqual(["The founder was born in Paris."]);
    expect(reflection.before?.unsupportedTerms).toEqual(["Paris"]);
    expect(reflection.stop).toBe(ReflectionStop.NOTHING_TO_CRITICISE);
    expect(decision).toEqual(create(DecisionSchema, stored));
  });

  it("takes the answer that was withheld, not the notice", () => {
    const notice = { ...stored, verdict: Verdict.ABSTAINED, content: "The answer is withheld." };
    const withheld = { ...notice, withheldContent: stored.content };
    const unread = reflectOnDecision(create(DecisionSchema, notice), builtIn);
    expect(unread.stop).toBe(ReflectionStop.NO_ANSWER);
    const reflection = reflectOnDecision(create(DecisionSchema, withheld), builtIn);
    expect(reflection.revisedContent).toBe("Returns are accepted within 30 days.");
  });

  it("has nothing to say where there was no answer", () => {
    const { qualityComponents: _, ...unanswered } = stored;
    const reflection = reflectOnDecision(create(DecisionSchema, unanswered), builtIn);
    expect(reflection).toMatchObject({ passes: [], revisedContent: "", before: { support: 0 } });
    expect(reflection.stop).toBe(ReflectionStop.NO_ANSWER);
    expect(reflection.after).toBeUndefined();
  });
});
