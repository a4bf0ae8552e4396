import { describe, expect, it } from "vitest";
import { idfBeside } from "../../../../services/engine/domain/assess-answer.js";
import { createExtractiveComposer } from "../../../../services/engine/domain/compose/extractive.js";
import { builtIn, embedded, never } from "../../fixture.js";

const passages = [
  "Returns are accepted within 30 days. Bring the receipt. Returns by mail cost 4 euros",
  "Shipping to Norway takes four days.",
];
const compose = (question: string, texts = passages, composer = embedded) => {
  const evidence = texts.map((text, at) => ({
    number: at + 1,
    title: "",
    source: "knowledge" as const,
    text,
    score: 1,
  }));
  return composer.compose(
    { question, evidence, idf: idfBeside(evidence, builtIn), instructions: "", grounded: true },
    never,
  );
};

describe("the embedded composer", () => {
  it("answers in sentences of the evidence, in their order, whole", () => {
    expect(compose("What do returns by mail cost, and when are they accepted?")).toEqual({
      composed: true,
      content: "Returns are accepted within 30 days. Returns by mail cost 4 euros.",
    });
  });

  it("takes from several passages what the question needs", () => {
    const answer = compose("Are returns accepted in Norway, and shipping?");
    expect(answer).toMatchObject({ composed: true });
    expect(answer).toMatchObject({
      content: expect.stringContaining("Returns are accepted within 30 days."),
    });
    expect(answer).toMatchObject({ content: expect.stringContaining("Shipping to Norway takes four days.") });
  });

  it.each([
    ["no evidence", "When are returns accepted?", []],
    ["evidence about something else", "Who painted the ceiling?", passages],
    ["a question without content", "What is it?", passages],
    ["evidence for less than half of the question", "Do returns of submarines from Atlantis work?", passages],
  ])("declines with %s", (_, question, texts) => {
    expect(compose(question, texts)).toMatchObject({ composed: false });
  });

  it("keeps to its bound of sentences", () => {
    const composer = createExtractiveComposer({ fewestCovered: 0, mostSentences: 1 });
    const answer = compose("When are returns accepted with a receipt to Norway?", passages, composer);
    expect(answer).toMatchObject({ composed: true });
    expect((answer as { content: string }).content.split(". ")).toHaveLength(1);
  });
});
