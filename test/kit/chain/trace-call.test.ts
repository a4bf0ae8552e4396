import { Code } from "@connectrpc/connect";
import { trace } from "@opentelemetry/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { beginCall } from "../../../services/kit/chain/identify.js";
import { traceCall } from "../../../services/kit/chain/trace-call.js";
import { type Call, callKey } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import type { Telemetry } from "../../../services/kit/telemetry.js";
import { startCollector } from "../../support/collector.js";
import { startTracing } from "../../support/traces.js";
import { callWith, expectRefusal, getAgent, messagesOf, pass, requestOf, watch } from "./calls.js";

const activeSpan = () => trace.getActiveSpan()?.spanContext().spanId;
const unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

describe("the span of a call", () => {
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let telemetry: Telemetry;

  beforeEach(async () => {
    collector = await startCollector();
    telemetry = await startTracing({ endpoint: collector.url });
  });
  afterEach(async () => {
    await telemetry.shutdown();
    collector.close();
  });

  it("is around the handler, ends with a stream, and tells a fault", async () => {
    const ids: (string | undefined)[] = [];
    await pass([traceCall], requestOf(getAgent), () => {
      ids.push(activeSpan());
      return {};
    });
    const failing = pass([traceCall], requestOf(getAgent), () => {
      ids.push(activeSpan());
      throw errors.internal(new Error("x"));
    });
    await expectRefusal(failing, Code.Internal, "INTERNAL");
    const stream = await pass([traceCall], requestOf(watch), async function* () {
      ids.push(activeSpan());
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
    expect(spans.map(({ spanId }) => spanId)).toEqual(ids);
    expect(spans.map(({ attributes }) => attributes["error.type"])).toEqual([
      undefined,
      "internal",
      "unavailable",
    ]);
  });

  it("is the one in which each message of a stream is made, whoever reads it", async () => {
    const ids: (string | undefined)[] = [];
    const stream = await pass([traceCall], requestOf(watch), async function* () {
      try {
        ids.push(activeSpan());
        yield {};
        ids.push(activeSpan());
        yield {};
      } finally {
        ids.push(activeSpan());
      }
    });
    let read = 0;
    for await (const _ of (stream as { message: AsyncIterable<unknown> }).message) if (++read === 2) break;
    await telemetry.shutdown();
    const [span] = collector.spans();
    expect(ids).toEqual([span?.spanId, span?.spanId, span?.spanId]);
  });

  it("does not exist where the caller samples out, nor below it in memory, and peers learn so", async () => {
    const ids: (string | undefined)[] = [];
    let call: Call | undefined;
    const request = requestOf(getAgent);
    request.header.set("traceparent", unsampled);
    await pass([traceCall], request, async () => {
      call = beginCall(request, false);
      const inner = requestOf(getAgent);
      inner.contextValues.set(callKey, callWith({ ...call }));
      await pass([traceCall], inner, () => {
        ids.push(activeSpan());
        return {};
      });
      return {};
    });
    await telemetry.shutdown();
    expect(call?.sampledOut).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
    expect([ids, collector.spans()]).toEqual([[undefined], []]);
  });
});
