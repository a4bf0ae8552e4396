import { Code } from "@connectrpc/connect";
import { trace } from "@opentelemetry/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { traceCall } from "../../../services/kit/chain/trace-call.js";
import { errors } from "../../../services/kit/errors.js";
import { startTelemetry, type Telemetry } from "../../../services/kit/telemetry.js";
import { startCollector } from "../../support/collector.js";
import { expectRefusal, getAgent, messagesOf, pass, requestOf, watch } from "./calls.js";

describe("the span of a call", () => {
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let telemetry: Telemetry;

  beforeAll(async () => {
    collector = await startCollector();
    const exporter = { exporter: "otlp", endpoint: collector.url, sampleRatio: 1 } as const;
    telemetry = await startTelemetry({ ...exporter, serviceName: "agents", version: "1" });
  });
  afterAll(() => collector.close());

  it("is around the handler, ends with a stream, and tells a fault", async () => {
    const ids: (string | undefined)[] = [];
    const noteSpan = () => ids.push(trace.getActiveSpan()?.spanContext().spanId);
    await pass([traceCall], requestOf(getAgent), () => {
      noteSpan();
      return {};
    });
    const failing = pass([traceCall], requestOf(getAgent), () => {
      noteSpan();
      throw errors.internal(new Error("x"));
    });
    await expectRefusal(failing, Code.Internal, "INTERNAL");
    const stream = await pass([traceCall], requestOf(watch), async function* () {
      yield {};
      throw errors.overloaded({ workload: "agents", limit: 1 });
    });
    await expectRefusal(messagesOf(stream), Code.Unavailable, "OVERLOADED");
    await telemetry.shutdown();

    const spans = collector.spans();
    expect(spans.map(({ name }) => name)).toEqual([
      "consciousness.agents.v1.AgentsService/GetAgent",
      "consciousness.agents.v1.AgentsService/GetAgent",
      "grpc.health.v1.Health/Watch",
    ]);
    expect(spans.slice(0, 2).map(({ spanId }) => spanId)).toEqual(ids);
    expect(spans.map(({ attributes }) => attributes["error.type"])).toEqual([
      undefined,
      "internal",
      "unavailable",
    ]);
  });
});
