import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createProvider, type Provider } from "../../../../services/engine/domain/compose/provider.js";
import { createProviderComposer } from "../../../../services/engine/domain/compose/provider-composer.js";
import type { ProviderOutcome } from "../../../../services/engine/domain/compose/provider-outcome.js";
import type { ProviderConfig } from "../../../../services/engine/provider-config.js";
import {
  calls,
  endsEarly,
  fails,
  isCut,
  isSilent,
  lies,
  type ProviderAnswer,
  type StandIn,
  says,
  sendsBytes,
  sendsPage,
  stalls,
  startProvider,
} from "../../../support/provider.js";
import { never } from "../../fixture.js";

let standIn: StandIn;
let outcomes: ProviderOutcome[];
const made: Provider[] = [];
beforeAll(async () => {
  standIn = await startProvider();
});
beforeEach(() => {
  outcomes = [];
});
afterAll(() => {
  for (const provider of made) provider.stop();
  standIn.close();
});

const provider = (overrides: Partial<ProviderConfig> = {}) => {
  const config = {
    id: "local",
    baseUrl: standIn.url,
    model: "small",
    apiKey: "key-123",
    connectTimeoutMs: 2_000,
    firstByteTimeoutMs: 5_000,
    timeoutMs: 5_000,
    retries: 0,
    retryDelayMs: 1,
    mostBytes: 10_000,
    prices: { inputPerMillion: 1, outputPerMillion: 3 },
    ...overrides,
  };
  const one = createProvider({ config, observe: (outcome) => outcomes.push(outcome) });
  made.push(one);
  return one;
};
/** Answers the next requests, and returns how many came since. */
const answering = (...answers: ProviderAnswer[]) => {
  standIn.answerWith(...answers);
  const before = standIn.requests();
  return () => standIn.requests() - before;
};
const asking = { messages: [{ role: "user", content: "When?" }] };
const whole = (one: Provider, signal = never) => one.complete(asking, signal);
const streamed = async (one: Provider, signal = never) => {
  let content = "";
  for await (const part of one.stream(asking, signal)) {
    if (part.kind === "end") return { content, completion: part.completion };
    content += part.text;
  }
  throw new Error("the stream had no end");
};
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => "answered",
    (error) => {
      expect(error.name).toBe("ProviderError");
      expect(error.message).not.toMatch(/127\.0\.0\.1|key-123|private text/);
      return error.failure as string;
    },
  );

describe.each([
  ["at once", whole],
  ["streamed", streamed],
])("a provider asked %s", (way, ask) => {
  const inTime = { firstByteTimeoutMs: 60 };

  it.each<[string, ProviderAnswer, Partial<ProviderConfig>, string]>([
    ["refuses the key", fails(401), {}, "denied"],
    ["refuses the request", fails(400), {}, "refused"],
    ["has too much to do", fails(429), {}, "overloaded"],
    ["fails", fails(500), {}, "failed"],
    ["sends us elsewhere", fails(307), {}, "redirected"],
    ["is silent", isSilent, inTime, "first_byte_timeout"],
    ["stalls in the middle", stalls, { timeoutMs: 60 }, "timeout"],
    ["is cut in the middle", isCut, {}, "cut"],
    ["says JSON and sends a page", lies, {}, "malformed"],
    ["sends a page", sendsPage, {}, "wrong_type"],
    ["sends 10 MB", sendsBytes(10_485_760), {}, "too_large"],
    ["answers JSON null", (_, response) => void response.end("null"), {}, "malformed"],
    ["answers no choices", (_, response) => void response.end('{"choices": 7}'), {}, "malformed"],
    ["answers no UTF-8", (_, response) => void response.end(Buffer.from([0xff, 0xfe])), {}, "malformed"],
  ])("that %s ends as that, once, and is counted", async (_, answer, overrides, expected) => {
    const asked = answering(answer);
    expect(await failure(ask(provider(overrides)))).toBe(expected);
    expect(asked()).toBe(1);
    expect(outcomes).toMatchObject([{ provider: "local", outcome: expected }]);
  });

  it("that is not there ends as unreachable", async () => {
    expect(await failure(ask(provider({ baseUrl: "http://127.0.0.1:1/v1" })))).toBe("unreachable");
  });

  it.each([429, 500, 503])("is asked again after %i", async (status) => {
    const asked = answering(fails(status), says("At noon."));
    expect(await ask(provider({ retries: 1 }))).toMatchObject(
      way === "streamed" ? { content: "At noon." } : { content: "At noon.", finishReason: "stop" },
    );
    expect(asked()).toBe(2);
  });

  it("is asked no more often than configured", async () => {
    const asked = answering(fails(503));
    expect(await failure(ask(provider({ retries: 2 })))).toBe("failed");
    expect(asked()).toBe(3);
  });

  it("is not asked again once an answer has begun", async () => {
    const asked = answering(isCut, says("At noon."));
    expect(await failure(ask(provider({ retries: 2 })))).toBe("cut");
    expect(asked()).toBe(1);
  });

  it("has its time for all attempts together", async () => {
    answering(fails(503));
    const one = provider({ retries: 5, retryDelayMs: 10_000, timeoutMs: 60 });
    expect(await failure(ask(one))).toBe("timeout");
  });

  it("is not waited for when the caller goes", async () => {
    const gone = new AbortController();
    answering(() => gone.abort());
    expect(await failure(ask(provider(), gone.signal))).toBe("canceled");
    await expect.poll(() => standIn.departures()).toBeGreaterThan(0);
  });

  it("keeps its connection for others when a caller that is through goes", async () => {
    const gone = new AbortController();
    const one = provider();
    answering(says("At noon."));
    await ask(one, gone.signal);
    answering(() => gone.abort(), says("At one."));
    const next = failure(one.complete(asking, AbortSignal.timeout(300)));
    expect(await next).toBe("timeout");
    answering(says("At two."));
    expect(await ask(one)).toMatchObject({ content: "At two." });
  });

  it("is left alone for a while when half of ten exchanges failed", async () => {
    const asked = answering(fails(500));
    const one = provider();
    for (let request = 0; request < 10; request++) await failure(ask(one));
    expect(await failure(ask(one))).toBe("breaker_open");
    expect(asked()).toBe(10);
  });

  it("is not left alone for refusing bad requests", async () => {
    const asked = answering(fails(400));
    const one = provider();
    for (let request = 0; request < 12; request++) expect(await failure(ask(one))).toBe("refused");
    expect(asked()).toBe(12);
  });

  it("tells its tokens, and what they cost", async () => {
    answering(says("At noon."));
    await ask(provider());
    const tokens = { input: 20, output: 10 };
    expect(outcomes).toMatchObject([{ outcome: "ok", tokens, cost: 0.00005 }]);
    await ask(provider({ prices: undefined }));
    expect(outcomes[1]).toMatchObject({ outcome: "ok", tokens });
    expect(outcomes[1]?.cost).toBeUndefined();
  });
});

describe("a streaming provider", () => {
  it("gives pieces of text and then the whole, tool calls joined", async () => {
    answering(says("At noon, as ever."));
    const pieces = [];
    for await (const part of provider().stream(asking, never)) pieces.push(part);
    expect(pieces.slice(0, -1)).toEqual(
      ["At noon,", " as ever", "."].map((text) => ({ kind: "content", text })),
    );
    answering(calls("look_up", '{"day": "tomorrow"}'));
    expect((await streamed(provider())).completion).toMatchObject({
      content: "",
      finishReason: "tool_calls",
      toolCalls: [{ id: "call_1", name: "look_up", arguments: '{"day": "tomorrow"}' }],
    });
  });

  it("that ends before its answer does is cut", async () => {
    answering(endsEarly);
    expect(await failure(streamed(provider()))).toBe("cut");
  });

  it("is left when its reader leaves", async () => {
    answering(sendsBytes(10_485_760));
    const before = standIn.departures();
    for await (const part of provider({ mostBytes: 1_048_576 }).stream(asking, never)) {
      expect(part.kind).toBe("content");
      break;
    }
    await expect.poll(() => standIn.departures()).toBe(before + 1);
    expect(outcomes).toMatchObject([{ outcome: "canceled" }]);
  });
});

describe("a composer over a provider", () => {
  const question = {
    question: "When?",
    evidence: [{ number: 1, title: "T", source: "knowledge" as const, text: "At noon.", score: 1 }],
    idf: () => 1,
    instructions: "Be brief.",
    grounded: true,
  };
  const composer = (overrides: Partial<ProviderConfig> = {}) => createProviderComposer(provider(overrides));

  it("asks with the agent's instructions, the evidence and the key", async () => {
    answering(says(" At noon. "));
    expect(await composer().compose(question, never)).toMatchObject({ composed: true, content: "At noon." });
    const sent = standIn.heard.at(-1);
    expect(sent?.url).toBe("/v1/chat/completions");
    expect(sent?.headers.authorization).toBe("Bearer key-123");
    const { model, temperature, messages } = sent?.body ?? {};
    expect({ model, temperature }).toEqual({ model: "small", temperature: 0 });
    expect(messages[0].content).toContain("Be brief.");
    expect(messages[1].content).toContain("[1] T\nAt noon.");
  });

  it("without a key sends none, and without evidence says so", async () => {
    answering(says("no"));
    await composer({ apiKey: undefined }).compose({ ...question, evidence: [] }, never);
    expect(standIn.heard.at(-1)?.headers.authorization).toBeUndefined();
    expect(JSON.stringify(standIn.heard.at(-1)?.body)).toContain("(none)");
  });

  it("composes nothing when the provider has nothing to say", async () => {
    answering(says("  "));
    expect(await composer().compose(question, never)).toMatchObject({ composed: false });
  });
});
