import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ProviderConfig } from "../../services/engine/config.js";
import { createProvider } from "../../services/engine/domain/compose/provider.js";
import { recordExchange } from "../../services/engine/provider-span.js";
import type { Telemetry } from "../../services/kit/telemetry.js";
import { startCollector } from "../support/collector.js";
import { fails, type StandIn, says, startProvider } from "../support/provider.js";
import { inTrace, startTracing } from "../support/traces.js";

const question = { messages: [{ role: "user", content: "my diary" }] };
const signal = new AbortController().signal;

describe("the span of an exchange with a provider", () => {
  let standIn: StandIn;
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let telemetry: Telemetry;

  beforeAll(async () => {
    standIn = await startProvider();
  });
  beforeEach(async () => {
    collector = await startCollector();
    telemetry = await startTracing({ endpoint: collector.url });
    return async () => {
      await telemetry.shutdown();
      collector.close();
    };
  });
  afterAll(() => standIn.close());

  const provider = () => createProvider({ config: config(standIn.url), observe: recordExchange });
  const common = () => ({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "consciousness.provider": "local",
    "gen_ai.request.model": "tiny-1",
    "server.address": "127.0.0.1",
    "server.port": Number(new URL(standIn.url).port),
  });

  it("has models, tokens and the reason of the end, below what asked, and no word of either side", async () => {
    standIn.answerWith(says("my secret answer"));
    const ids = await inTrace("compose", async (span) => {
      await provider().complete(question, signal);
      for await (const _ of provider().stream(question, signal));
      return span.spanContext();
    });
    await telemetry.shutdown();
    const [whole, streamed] = collector.spans().filter(({ name }) => name === "chat tiny-1");
    const answered = {
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.input_tokens": 20,
      "gen_ai.usage.output_tokens": 10,
    };
    expect(whole).toMatchObject({ kind: 3, failed: false, parentSpanId: ids.spanId, traceId: ids.traceId });
    expect(whole?.attributes).toEqual({ ...common(), ...answered });
    expect(streamed?.attributes).toEqual({ ...common(), ...answered, "gen_ai.request.stream": true });
    for (const { body } of collector.requests)
      expect(Buffer.from(body).toString("latin1")).not.toMatch(/diary|secret/);
    // The provider is somebody else: it learns of no trace.
    for (const { headers } of standIn.heard) expect(headers).not.toHaveProperty("traceparent");
  });

  it("has what went wrong", async () => {
    standIn.answerWith(fails(401));
    await inTrace("compose", async () => {
      await expect(provider().complete(question, signal)).rejects.toThrow();
    });
    await telemetry.shutdown();
    const span = collector.spans().find(({ name }) => name === "chat tiny-1");
    expect(span).toMatchObject({ failed: true, attributes: { ...common(), "error.type": "denied" } });
  });

  it("does not exist outside of a trace that is recorded", async () => {
    standIn.answerWith(says("yes"));
    await provider().complete(question, signal);
    await telemetry.shutdown();
    expect(collector.spans()).toEqual([]);
  });
});

function config(baseUrl: string): ProviderConfig {
  return {
    id: "local",
    baseUrl,
    model: "tiny-1",
    apiKey: undefined,
    connectTimeoutMs: 1_000,
    firstByteTimeoutMs: 1_000,
    timeoutMs: 2_000,
    retries: 0,
    retryDelayMs: 1,
    mostBytes: 65_536,
    prices: undefined,
  };
}
