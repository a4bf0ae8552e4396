import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecisionSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { canonicalJson } from "../../../services/engine/domain/judges/policy-digest.js";
import {
  type AnswerWanted,
  answerKey,
  mayBeKept,
  normalised,
} from "../../../services/engine/domain/known-answers.js";

describe("a question in normal form", () => {
  it.each([
    ["blanks around it", "  When?\n", "When?"],
    ["runs of blanks", "When  \t does it open?", "When does it open?"],
    ["other line ends", "One\r\ntwo  ", "One\ntwo"],
    ["decomposed letters", "cafe\u0301", "caf\u00e9"],
  ])("is the same whatever %s", (_, given, wanted) => {
    expect(normalised(given)).toBe(wanted);
  });

  it.each([
    ["an exponent and a digit", "What is 10²?", "What is 102?"],
    ["the indentation of code", "if a:\n  b\nc", "if a:\n  b\n  c"],
    ["lines", "a b", "a\nb"],
    ["letters of another case", "US", "us"],
  ])("tells apart %s", (_, one, other) => {
    expect(normalised(one)).not.toBe(normalised(other));
  });

  it("is in normal form already", () => {
    const text = fc.string({
      unit: fc.constantFrom(" ", "\t", "\r", "\n", "a", "é", "e\u0301", "²", "\u00a0"),
    });
    fc.assert(
      fc.property(text, (given) => {
        expect(normalised(normalised(given))).toBe(normalised(given));
      }),
    );
  });
});

const word = fc.string({ minLength: 1, maxLength: 4 });
const passage = fc.record({ title: word, text: word, source: fc.constantFrom("knowledge", "context") });
const said = fc.record({ role: fc.constantFrom("user", "assistant"), text: word });
const wanted = fc.record({
  question: word.map(normalised),
  evidence: fc.array(passage, { maxLength: 2 }),
  instructions: word,
  conversation: fc.array(said, { maxLength: 2 }),
  grounded: fc.boolean(),
  context: fc.dictionary(fc.oneof(word, fc.constant("__proto__")), word, {
    maxKeys: 2,
    noNullPrototype: true,
  }),
});
const beside = fc.record({ version: word, policy: word, options: fc.record({ strictness: fc.nat() }) });
const asWanted = (one: object) => one as AnswerWanted;

describe("the key of an answer", () => {
  it("is the same for the same, whatever the order of the context", () => {
    const one = {
      question: "a",
      evidence: [],
      instructions: "",
      grounded: true,
      context: { x: "1", y: "2" },
    };
    const other = { ...one, question: " a ", context: { y: "2", x: "1" } };
    expect(answerKey(asWanted(one), 1)).toBe(answerKey(asWanted(other), 1));
  });

  it("differs whenever any part of what is wanted, or of what stands beside it, does", () => {
    const parts = fc.tuple(wanted, beside);
    fc.assert(
      fc.property(parts, parts, fc.nat(), ([one, by], [another, byAnother], at) => {
        const names = [...Object.keys(one), ...Object.keys(by)];
        const name = names[at % names.length] ?? "";
        const changed = <T extends object>(from: T, to: T): T =>
          Object.hasOwn(from, name) ? { ...from, [name]: to[name as keyof T] } : from;
        const [next, nextBy] = [changed(one, another), changed(by, byAnother)];
        const same = canonicalJson([one, by]) === canonicalJson([next, nextBy]);
        fc.pre(!same);
        expect(answerKey(asWanted(next), nextBy)).not.toBe(answerKey(asWanted(one), by));
      }),
    );
  });

  it("does not take two texts for one that is made of both", () => {
    const of = (conversation: readonly object[]) =>
      answerKey(
        asWanted({
          question: "a",
          evidence: [],
          instructions: "",
          grounded: false,
          context: {},
          conversation,
        }),
        0,
      );
    expect(of([{ role: "user", text: "ab" }])).not.toBe(
      of([
        { role: "user", text: "a" },
        { role: "user", text: "b" },
      ]),
    );
  });
});

describe("an answer", () => {
  const allowed: MessageInitShape<typeof DecisionSchema> = {
    verdict: Verdict.ALLOWED,
    content: "Within 30 days.",
    replay: { complete: true },
    ethicalEvaluation: {},
  };
  const kept = (more: MessageInitShape<typeof DecisionSchema> = {}) =>
    mayBeKept(create(DecisionSchema, { ...allowed, ...more } as typeof allowed));

  it("is kept when it was allowed as it was composed", () => {
    expect(kept()).toBe(true);
    expect(kept({ finishReason: "stop" })).toBe(true);
  });

  it.each<[string, MessageInitShape<typeof DecisionSchema>]>([
    ["modified", { verdict: Verdict.MODIFIED }],
    ["blocked", { verdict: Verdict.BLOCKED }],
    ["withheld", { verdict: Verdict.ABSTAINED }],
    ["unchecked", { verdict: Verdict.CHECK_UNAVAILABLE }],
    ["given again itself, so that it does not grow older than it may", { cached: true }],
    ["empty", { content: "" }],
    ["cut off by its provider", { finishReason: "length" }],
    ["calling a function", { toolCalls: [{ name: "pay" }] }],
    ["to a request with personal data, masked or told", { personalData: [{ type: "name" }] }],
    ["with a mark of masked data", { content: "Write to [email]." }],
    ["with a token of a conversation", { content: "Write to [EMAIL_1]." }],
    ["of which a check failed", { replay: { complete: false } }],
    ["that a rule could not judge", { ethicalEvaluation: { ruleFailures: [{ ruleId: "own.word" }] } }],
    ["without a record of how it was judged", { replay: undefined }],
  ])("is not kept when %s", (_, more) => {
    expect(kept(more)).toBe(false);
  });
});
