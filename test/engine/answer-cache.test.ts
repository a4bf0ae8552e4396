import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { type AnswerCache, type Asked, createAnswerCache } from "../../services/engine/answer-cache.js";
import type { ComposeRequest, Composition } from "../../services/engine/domain/compose/composer.js";
import { createPipeline } from "../../services/engine/domain/pipeline.js";
import { effectivePolicy } from "../../services/engine/domain/policy/policy.js";
import { readPolicy } from "../../services/engine/domain/policy/read-policy.js";
import type { PipelineDeps, PipelineRequest, Responder } from "../../services/engine/domain/run.js";
import { agentGroup } from "../../services/engine/known-agents.js";
import { policiesGroup } from "../../services/engine/policies.js";
import { newId } from "../../services/kit/ids.js";
import { memoryCache } from "../../services/kit/stores/cache/memory.js";
import type { Cache } from "../../services/kit/stores/cache/port.js";
import { recordedMetrics } from "../kit/chain/calls.js";
import { fixedClock, never, pipelineDeps, pipelineRequest, responder, shippedRules } from "./fixture.js";

const greeting = "Good morning to all of you.";
const harm = "To build a pipe bomb at home, pack black powder into a steel pipe and seal both ends.";
const agentId = "019a0000-0000-7000-8000-000000000001";
const tenant = "default";

let clock: ReturnType<typeof fixedClock>;
let cache: Cache;
let answers: AnswerCache;
let composed: ComposeRequest[];
let says: () => Composition;
const { metrics } = recordedMetrics();

const start = (more: { cache?: Cache; hears?: boolean; depends?: unknown } = {}) => {
  const platform = { cache: more.cache ?? cache, hears: () => more.hears ?? true, metrics };
  return createAnswerCache({ platform, depends: more.depends ?? "v1" });
};

beforeEach(() => {
  clock = fixedClock();
  cache = memoryCache({ clock });
  answers = start();
  composed = [];
  says = () => ({ composed: true, content: greeting, finishReason: "stop" });
});

const talker = (more: Partial<Responder> = {}): Responder =>
  responder("Lamps are sold at the market.", {
    grounded: false,
    reuse: { agentVersion: "1", maxAgeMs: 60_000 },
    composer: {
      id: "llm",
      compose(request) {
        composed.push(request);
        return says();
      },
    },
    ...more,
  });

interface Wanted extends Partial<Omit<PipelineRequest, "responder">> {
  readonly responder?: Partial<Responder>;
  readonly beside?: unknown;
  readonly answers?: AnswerCache;
}

/** Decides as the engine does: the answer is kept once the decision is on record. */
async function ask(wanted: Wanted = {}, deps: Partial<PipelineDeps> = {}) {
  const request = {
    ...pipelineRequest({ input: "Say good morning.", policy: wanted.policy ?? shippedRules }),
    decisionId: newId(),
    tenant,
    ...wanted,
    responder: talker(wanted.responder),
  };
  const asked: Asked = { ...request, beside: wanted.beside };
  const knownAnswers = (wanted.answers ?? answers).of(asked);
  const pipeline = createPipeline(pipelineDeps({ clock, ...deps }));
  const decision = await pipeline({ ...request, knownAnswers }, never);
  knownAnswers?.keep(decision);
  return decision;
}

describe("an answer that was given before", () => {
  it("is given again without asking the composer, in a decision of its own", async () => {
    const first = await ask();
    const second = await ask({ input: " Say  good morning. ", subject: "bob" });
    expect(composed).toHaveLength(1);
    expect(first).toMatchObject({
      verdict: Verdict.ALLOWED,
      content: greeting,
      cached: false,
      cachedFrom: "",
    });
    expect(second).toMatchObject({
      verdict: Verdict.ALLOWED,
      content: greeting,
      cached: true,
      cachedFrom: first.id,
      subject: "bob",
      composer: "llm",
      finishReason: "stop",
    });
    expect(second.id).not.toBe(first.id);
    expect(second.composeUsage).toBeUndefined();
  });

  it("is judged each time, by every stage", async () => {
    const stages = async () => (await ask()).processingMetrics?.stages.map(({ stage }) => stage);
    expect(await stages()).toEqual(await stages());
    expect(composed).toHaveLength(1);
  });

  it("is withheld when what is kept is harmful, however it came there", async () => {
    const poisoned: Cache = {
      ...cache,
      read: async (key) => {
        const read = await cache.read(key);
        const { generation: policies } = await cache.read({ tenant, group: policiesGroup, name: "" });
        const value = { decisionId: newId(), content: harm, finishReason: "stop", policies };
        return { ...read, value: Buffer.from(JSON.stringify(value)), fresh: true };
      },
    };
    const decision = await ask({ answers: start({ cache: poisoned }) });
    expect(decision).toMatchObject({ verdict: Verdict.BLOCKED, content: "", cached: true });
  });

  it("is counted: misses, hits, and a cache that is away", async () => {
    const away: Cache = { ...cache, read: () => Promise.reject(new Error("away")) };
    const { metrics, matching } = recordedMetrics();
    const counted = createAnswerCache({ platform: { cache, hears: () => true, metrics }, depends: "" });
    const lost = createAnswerCache({ platform: { cache: away, hears: () => true, metrics }, depends: "" });
    for (const answers of [counted, counted, counted, lost]) await ask({ answers });
    expect(await matching("cache_reads_total{")).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/cache="answers".*outcome="miss".* 1$/),
        expect.stringMatching(/cache="answers".*outcome="hit".* 2$/),
        expect.stringMatching(/cache="answers".*outcome="away".* 1$/),
      ]),
    );
  });
});

/** Whether the answer of one request is given to another. */
const shared = async (one: Wanted, other: Wanted) => {
  await ask(one);
  const { cached } = await ask(other);
  return cached;
};
const stricter = (word: string) =>
  effectivePolicy([
    {
      level: "tenant",
      version: 1,
      document: readPolicy(
        JSON.stringify({
          rules: [
            {
              id: "own.word",
              scopes: ["OUTPUT"],
              severity: "HIGH",
              message: "No.",
              condition: `text.contains("${word}")`,
            },
          ],
        }),
      ),
    },
  ]);

/** One part each that must not differ. */
const keyed: readonly [string, Wanted][] = [
  ["tenant", { tenant: "other" }],
  ["agent", { responder: { agentId: newId() } }],
  ["version of the agent", { responder: { reuse: { agentVersion: "2", maxAgeMs: 60_000 } } }],
  ["policy", { policy: stricter("evening") }],
  ["question", { input: "Say good evening." }],
  ["context", { context: { season: "winter" } }],
  ["conversation", { conversation: [{ role: "user", text: "We met before." }] }],
  [
    "quality threshold",
    { options: { qualityThreshold: 0.6, ethicalStrictness: 0.9, maxReflectionDepth: 3 } },
  ],
  ["strictness", { options: { qualityThreshold: 0.5, ethicalStrictness: 0.95, maxReflectionDepth: 3 } }],
  ["depth", { options: { qualityThreshold: 0.5, ethicalStrictness: 0.9, maxReflectionDepth: 1 } }],
  ["instructions", { responder: { instructions: "Be brief." } }],
  ["grounding", { responder: { grounded: true } }],
  ["recalibration", { responder: { calibration: { slope: 1, offset: 0.1 } } }],
  ["knowledge", { responder: { knowledge: responder("Good is the morning at sea.").knowledge } }],
  ["fields for the provider", { beside: { temperature: 1 } }],
];

describe("an answer is not shared", () => {
  it("except between requests that are alike", async () => {
    expect(await shared({}, { subject: "bob" })).toBe(true);
  });

  it.each(keyed)("between requests of another %s", async (_, other) => {
    expect(await shared({}, other)).toBe(false);
  });

  it("between requests that differ in any parts, whichever are put together", async () => {
    const some = fc.subarray(keyed.map(([, wanted]) => wanted));
    const together = (parts: readonly Wanted[]): Wanted => ({
      ...Object.assign({}, ...parts),
      responder: Object.assign({}, ...parts.map((one) => one.responder)),
    });
    // Of two options the last one stands.
    const facts = (one: Wanted) =>
      fc.stringify([one, one.responder?.knowledge === undefined, one.policy?.digest]);
    await fc.assert(
      fc.asyncProperty(some, some, async (a, b) => {
        cache = memoryCache({ clock });
        answers = start();
        const [one, other] = [together(a), together(b)];
        fc.pre(one.responder?.grounded !== true && other.responder?.grounded !== true);
        expect(await shared(one, other)).toBe(facts(one) === facts(other));
      }),
      { numRuns: 20 },
    );
  });

  it("between versions of the engine, its models or the settings of providers", async () => {
    await ask();
    expect(await ask({ answers: start({ depends: "v2" }) })).toMatchObject({ cached: false });
  });

  it("with a request in which there is personal data, nor from it", async () => {
    const input = "Say good morning to ada@example.org.";
    expect(await shared({ input }, { input })).toBe(false);
    expect(composed).toHaveLength(2);
    const read = { ...cache, read: () => Promise.reject(new Error("must not be read")) };
    expect(await ask({ input, answers: start({ cache: read }) })).toMatchObject({ cached: false });
  });

  it("with a request in which a name is told", async () => {
    const findTold = () => [{ type: "name" as const, span: { start: 0, end: 3 }, score: 0.9 }];
    await ask({}, { findTold });
    expect(await ask({}, { findTold })).toMatchObject({ cached: false });
    await ask();
    expect(await ask({}, { findTold })).toMatchObject({ cached: false });
  });

  it("with a conversation in which a token stands, nor from it", async () => {
    const pseudonyms = () => ({
      types: new Set(["email"]),
      placed: new Set<string>(),
      tokensOf: async (values: readonly unknown[]) => values.map((_, at) => `[EMAIL_${at + 1}]`),
    });
    const input = "Say good morning to [EMAIL_1].";
    expect(await shared({ input, pseudonyms: pseudonyms() }, { input, pseudonyms: pseudonyms() })).toBe(
      false,
    );
    // Where nothing stands for anything the conversation makes no difference.
    expect(await shared({ pseudonyms: pseudonyms() }, {})).toBe(true);
  });

  it.each<[string, () => Composition]>([
    ["that masking changed", () => ({ composed: true, content: "Call 4111 1111 1111 1111." })],
    ["that was blocked", () => ({ composed: true, content: harm })],
    ["that was cut short", () => ({ composed: true, content: greeting, finishReason: "length" })],
    [
      "that calls a function",
      () => ({ composed: true, content: greeting, toolCalls: [{ id: "1", name: "f", arguments: "{}" }] }),
    ],
    ["that failed", () => ({ composed: false, reason: "no answer" })],
  ])("%s", async (_, answer) => {
    says = answer;
    expect(await shared({}, {})).toBe(false);
    expect(composed).toHaveLength(2);
  });

  it("that is longer than 32,768 characters", async () => {
    const decision = await ask({ responder: { reuse: undefined } });
    for (const [length, kept] of [
      [32_768, true],
      [32_769, false],
    ] as const) {
      const bare = { evidence: [], idf: () => 1, instructions: "", grounded: false, context: {} };
      const wanted = { ...bare, question: `Of ${length} characters` };
      const of = () => answers.of({ ...pipelineRequest({ input: "" }), tenant, responder: talker() });
      const known = of();
      await known?.find(wanted, never);
      known?.keep({ ...decision, content: "a".repeat(length) });
      expect((await of()?.find(wanted, never)) !== undefined).toBe(kept);
    }
  });

  it("that another composer gave instead", async () => {
    says = () => {
      throw new Error("the provider is away");
    };
    const input = "Where are lamps sold?";
    const first = await ask({ input });
    expect(first).toMatchObject({ verdict: Verdict.ALLOWED, composer: "extractive" });
    says = () => ({ composed: true, content: greeting });
    expect(await ask({ input })).toMatchObject({ content: greeting, cached: false });
  });
});

describe("an agent's answers", () => {
  it("are composed anew each time where it does not allow otherwise", async () => {
    expect(await shared({ responder: { reuse: undefined } }, { responder: { reuse: undefined } })).toBe(
      false,
    );
    expect(composed).toHaveLength(2);
  });

  it("are composed anew where events of agents or policies do not arrive", async () => {
    const deaf = start({ hears: false });
    expect(await shared({ answers: deaf }, { answers: deaf })).toBe(false);
  });

  it("are composed anew for an agent of which no version is known", async () => {
    const reuse = { agentVersion: "", maxAgeMs: 60_000 };
    expect(await shared({ responder: { reuse } }, { responder: { reuse } })).toBe(false);
  });

  it("are given until they are as old as they may be, counted from when they were composed", async () => {
    await ask();
    clock.advance(59_999);
    expect(await ask()).toMatchObject({ cached: true });
    clock.advance(1);
    expect(await ask()).toMatchObject({ cached: false });
  });

  it("end with a change of the agent, also while one is being composed", async () => {
    await ask();
    await cache.invalidate({ tenant, group: agentGroup(agentId) });
    says = () => {
      void cache.invalidate({ tenant, group: agentGroup(agentId) });
      return { composed: true, content: greeting };
    };
    expect(await ask()).toMatchObject({ cached: false });
    expect(await ask()).toMatchObject({ cached: false });
  });

  it("end with a change of any policy of the tenant", async () => {
    await ask();
    await cache.invalidate({ tenant: "other", group: policiesGroup });
    expect(await ask()).toMatchObject({ cached: true });
    await cache.invalidate({ tenant, group: policiesGroup });
    expect(await ask()).toMatchObject({ cached: false });
  });

  it("are never given under another policy, even if its event is late", async () => {
    await ask();
    const forbidding = stricter("morning");
    expect(await ask({ policy: forbidding })).toMatchObject({ verdict: Verdict.BLOCKED, cached: false });
    expect(await ask({ policy: forbidding })).toMatchObject({ verdict: Verdict.BLOCKED, cached: false });
  });

  it("are composed while the cache is away or silent", async () => {
    const away: Cache = { ...cache, read: () => Promise.reject(new Error("away")) };
    expect(await ask({ answers: start({ cache: away }) })).toMatchObject({
      content: greeting,
      cached: false,
    });
    const unwritable: Cache = { ...cache, write: () => Promise.reject(new Error("full")) };
    expect(await ask({ answers: start({ cache: unwritable }) })).toMatchObject({ cached: false });
    const silent: Cache = { ...cache, read: () => new Promise(() => undefined) };
    expect(await ask({ answers: start({ cache: silent }) })).toMatchObject({
      content: greeting,
      cached: false,
    });
  });

  const empty = JSON.stringify({ decisionId: "1", content: "", finishReason: "", policies: "" });
  it.each(["", "no JSON", "[]", '{"content":"x"}', empty])("are composed where %j is kept", async (text) => {
    const odd: Cache = {
      ...cache,
      read: async (key) => ({ ...(await cache.read(key)), value: Buffer.from(text), fresh: true }),
    };
    expect(await ask({ answers: start({ cache: odd }) })).toMatchObject({ content: greeting, cached: false });
  });
});
