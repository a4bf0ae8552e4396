import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import { context, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { type ServerSpan, serverSpans } from "../../services/kit/server-span.js";
import { batchSize } from "../../services/kit/span-export.js";
import {
  extractContext,
  inConsumerSpan,
  injectContext,
  inSpan,
  traceParent,
} from "../../services/kit/spans.js";
import type { Telemetry, TelemetryOptions } from "../../services/kit/telemetry.js";
import { startCollector } from "../support/collector.js";
import { inTrace, startTracing } from "../support/traces.js";

const remote = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const unsampled = `${remote.slice(0, -2)}00`;
const spanOf = serverSpans(AuthService.method.login);
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function started(options: Partial<TelemetryOptions>): Promise<Telemetry> {
  const telemetry = await startTracing(options);
  closers.push(() => telemetry.shutdown());
  return telemetry;
}

async function collector(answer?: { status: number }) {
  const running = await startCollector(answer);
  closers.push(running.close);
  return running;
}

/** Serves a call with these headers. */
function serve(headers: Record<string, string>, fn: () => Promise<unknown> = async () => undefined) {
  const span = spanOf({ header: new Headers(headers) });
  return within(span, fn).then(
    () => finish(span),
    (error) => finish(span, error),
  );
}

function within<T>(span: ServerSpan, fn: () => Promise<T>): Promise<T> {
  return span.recorded ? context.with(span.context, fn) : fn();
}

function finish(span: ServerSpan, error?: unknown): void {
  if (span.recorded) span.end(error);
}

function endSpans(count: number): void {
  for (let ended = 0; ended < count; ended += 1) finish(spanOf({ header: new Headers() }));
}

describe("telemetry over OTLP", () => {
  it("delivers spans with their parents, and with service and version", async () => {
    const { url, requests, spans } = await collector();
    const telemetry = await started({ endpoint: url });
    await serve({ traceparent: remote, "content-type": "application/grpc" }, () =>
      inSpan("store", { "db.system.name": "postgresql" }, () => inSpan("query", {}, async () => {})),
    );
    expect(telemetry.state()).toMatchObject({ exporting: true, failures: 0, waiting: 3 });
    await telemetry.shutdown();

    expect(requests[0]).toMatchObject({ path: "/v1/traces", type: "application/x-protobuf" });
    expect(Buffer.from(requests[0]?.body ?? []).toString("latin1")).toMatch(
      /service\.name.*engine.*service\.version.*1\.2\.3/s,
    );
    const byName = new Map(spans().map((span) => [span.name, span]));
    const [server, store, query] = ["consciousness.auth.v1.AuthService/Login", "store", "query"].map((n) =>
      byName.get(n),
    );
    expect(server).toMatchObject({
      traceId: remote.slice(3, 35),
      parentSpanId: remote.slice(36, 52),
      kind: 2,
    });
    expect(store).toMatchObject({ traceId: server?.traceId, parentSpanId: server?.spanId, kind: 1 });
    expect(query).toMatchObject({ traceId: server?.traceId, parentSpanId: store?.spanId });
    expect(server?.attributes).toEqual({
      "rpc.system.name": "grpc",
      "rpc.method": "consciousness.auth.v1.AuthService/Login",
      "rpc.status_code": "OK",
    });
    expect(store?.attributes).toEqual({ "db.system.name": "postgresql" });
  });

  it("puts a call in memory below the active span, whatever its header says", async () => {
    const { url, spans } = await collector();
    const telemetry = await started({ endpoint: url });
    await inTrace("outer", () => serve({ traceparent: remote }));
    await telemetry.shutdown();
    const [server, outer] = spans();
    expect(server?.parentSpanId).toBe(outer?.spanId);
    expect(server?.attributes).toEqual({
      "rpc.system.name": "connectrpc",
      "rpc.method": "consciousness.auth.v1.AuthService/Login",
    });
  });

  it("marks failures by code and name, never by message", async () => {
    const { url, requests, spans } = await collector();
    const telemetry = await started({ endpoint: url });
    const failing = (code: Code) => () => Promise.reject(new ConnectError("my diary", code));
    await serve({}, failing(Code.NotFound));
    await serve({}, failing(Code.DeadlineExceeded));
    await serve({ "content-type": "application/grpc+proto" }, failing(Code.Canceled));
    await serve({ "content-type": "application/grpc+proto" }, failing(Code.DataLoss));
    const diary = inTrace("root", () => inSpan("work", {}, () => Promise.reject(new TypeError("my diary"))));
    await expect(diary).rejects.toThrow(TypeError);
    await telemetry.shutdown();
    const told = spans().map(({ attributes, failed }) => [
      attributes["rpc.status_code"],
      attributes["error.type"],
      failed,
    ]);
    expect(told.slice(0, 5)).toEqual([
      ["not_found", undefined, false],
      ["deadline_exceeded", "deadline_exceeded", true],
      ["CANCELLED", undefined, false],
      ["DATA_LOSS", "DATA_LOSS", true],
      [undefined, "TypeError", true],
    ]);
    for (const { body } of requests) expect(Buffer.from(body).toString("latin1")).not.toContain("diary");
  });

  it("begins no span beside a trace: what runs by itself is no part of a call", async () => {
    const { url, spans } = await collector();
    const telemetry = await started({ endpoint: url });
    await inSpan("alone", {}, () => {});
    await telemetry.shutdown();
    expect(spans()).toEqual([]);
  });
});

describe("sampling", () => {
  const cases: [TelemetryOptions["sampler"], number, string | undefined, boolean][] = [
    ["parentbased_traceidratio", 1, undefined, true],
    ["parentbased_traceidratio", 1, unsampled, false],
    ["parentbased_traceidratio", 0, undefined, false],
    ["parentbased_traceidratio", 0, unsampled, false],
    ["parentbased_traceidratio", 0, remote, true],
    ["parentbased_always_on", 0, undefined, true],
    ["parentbased_always_on", 0, unsampled, false],
    ["parentbased_always_off", 1, undefined, false],
    ["parentbased_always_off", 1, remote, true],
    ["always_on", 0, unsampled, true],
    ["always_off", 1, remote, false],
    ["traceidratio", 1, unsampled, true],
    ["traceidratio", 0, remote, false],
  ];
  const asked = (traceparent: string | undefined) =>
    traceparent === remote ? "a caller who records" : traceparent ? "a caller who does not" : "nobody";

  it.each(cases.map(([name, ratio, parent, is]) => ({ name, ratio, by: asked(parent), parent, is })))(
    "$name at $ratio, asked by $by: $is",
    async ({ name: sampler, ratio: sampleRatio, parent: traceparent = "", is }) => {
      const { url, spans } = await collector();
      const telemetry = await started({ endpoint: url, sampler, sampleRatio });
      await inConsumerSpan("event", { attributes: {}, traceparent }, () => inSpan("inside", {}, () => {}));
      await telemetry.shutdown();
      expect(spans().map(({ name }) => name)).toEqual(is ? ["inside", "event"] : []);
    },
  );

  it("tells peers the trace of a call that it samples out", async () => {
    await started({ endpoint: (await collector()).url });
    const span = spanOf({ header: new Headers({ traceparent: unsampled }) });
    expect(span).toMatchObject({ recorded: false });
    const told = span.recorded ? "" : span.traceParent;
    expect(told).toMatch(new RegExp(`^00-${remote.slice(3, 35)}-[0-9a-f]{16}-00$`));
  });
});

describe("trace context", () => {
  it("goes through headers unchanged", async () => {
    await started({ endpoint: (await collector()).url });
    const out = new Headers();
    injectContext(out, extractContext(new Headers({ traceparent: remote, tracestate: "a=1" })));
    expect(Object.fromEntries(out)).toEqual({ traceparent: remote, tracestate: "a=1" });
  });

  it("names the active span", async () => {
    await started({ endpoint: (await collector()).url });
    expect(traceParent()).toBe("");
    await inTrace("work", () => {
      const out = new Headers();
      injectContext(out);
      expect(traceParent()).toBe(out.get("traceparent"));
      expect(traceParent()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    });
  });

  it.each([
    "",
    "garbage",
    "00-0-0-00",
    `${remote}-more`,
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  ])("is new when the caller sends %j", async (traceparent) => {
    await started({ endpoint: (await collector()).url });
    expect(trace.getSpanContext(extractContext(new Headers({ traceparent })))).toBeUndefined();
  });
});

describe("telemetry whose collector is away", () => {
  it("stops within its bound and counts the failure", async () => {
    const failures: number[] = [];
    const answer = { status: 400 };
    const { url } = await collector(answer);
    const telemetry = await started({ endpoint: url, onExportFailure: () => failures.push(1) });
    await inTrace("work", () => {});
    await telemetry.shutdown();
    expect(telemetry.state()).toMatchObject({
      exporting: false,
      failures: 1,
      failed: 1,
      exported: 0,
      lastError: expect.stringContaining("Bad"),
    });
    expect(failures).toEqual([1]);
    await expect(telemetry.dependency?.check(new AbortController().signal)).rejects.toThrow("Bad");
  });

  it("degrades, and no more once a batch arrives", async () => {
    const answer = { status: 400 };
    const { url } = await collector(answer);
    const telemetry = await started({ endpoint: url });
    const check = async () => telemetry.dependency?.check(new AbortController().signal);
    await expect(check()).resolves.toBeUndefined();
    endSpans(batchSize);
    await expect.poll(() => telemetry.state()?.failed, { timeout: 5_000 }).toBeGreaterThanOrEqual(batchSize);
    await expect(check()).rejects.toThrow();
    answer.status = 200;
    endSpans(batchSize);
    await expect
      .poll(() => telemetry.state()?.exported, { timeout: 5_000 })
      .toBeGreaterThanOrEqual(batchSize);
    await expect(check()).resolves.toBeUndefined();
    expect(telemetry.dependency?.degrades).toBe(true);
  });

  it.each(["otlp", "jaeger"] as const)(
    "does not delay the end beyond the bound: %s, silent",
    async (exporter) => {
      const silent = createServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
      await once(silent, "listening");
      closers.push(() => silent.close());
      const endpoint = `http://127.0.0.1:${(silent.address() as { port: number }).port}`;
      const telemetry = await started({ exporter, endpoint, shutdownMs: 100 });
      await inTrace("work", () => {});
      const start = performance.now();
      await telemetry.shutdown();
      expect(performance.now() - start).toBeLessThan(1_000);
      const connections = promisify(silent.getConnections.bind(silent));
      if (exporter === "jaeger") await expect.poll(connections, { timeout: 5_000 }).toBe(0);
    },
  );

  it("does not delay the end beyond the bound: nobody listens", async () => {
    const telemetry = await started({ endpoint: "http://127.0.0.1:1", shutdownMs: 100 });
    await inTrace("work", () => {});
    const start = performance.now();
    await telemetry.shutdown();
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe("telemetry over Jaeger's protocol", () => {
  it("posts to an HTTP collector", async () => {
    const { url, requests } = await collector();
    const telemetry = await started({ exporter: "jaeger", endpoint: url });
    await inTrace("posted", () => {});
    await telemetry.shutdown();
    expect(requests[0]).toMatchObject({ path: "/api/traces", type: "application/x-thrift" });
    const body = Buffer.from(requests[0]?.body ?? []).toString("latin1");
    for (const text of ["posted", "engine"]) expect(body).toContain(text);
  });

  it("counts what an HTTP collector refuses", async () => {
    const { url } = await collector({ status: 503 });
    const telemetry = await started({ exporter: "jaeger", endpoint: `${url}/elsewhere?token=abc` });
    await inTrace("posted", () => {});
    await telemetry.shutdown();
    expect(telemetry.state()).toMatchObject({ failures: 1, lastError: expect.stringContaining("HTTP 503") });
  });

  it("sends datagrams to an agent", async () => {
    const agent = createSocket("udp4").bind(0, "127.0.0.1");
    await once(agent, "listening");
    closers.push(() => agent.close());
    const received = once(agent, "message");
    const telemetry = await started({
      exporter: "jaeger",
      endpoint: `udp://127.0.0.1:${agent.address().port}`,
    });
    await inTrace("sent", () => {});
    await telemetry.shutdown();
    expect(String((await received)[0])).toContain("sent");
  });
});

describe("telemetry without exporter", () => {
  it("runs the work, records nothing and passes nothing on", async () => {
    const telemetry = await started({ exporter: "none" });
    const out = new Headers();
    const header = { traceparent: remote };
    const recorded: unknown[] = [];
    await serve(header, async () => {
      injectContext(out);
      await inSpan("work", {}, () => recorded.push(trace.getActiveSpan()));
    });
    expect([recorded, traceParent(), [...out]]).toEqual([[undefined], "", []]);
    expect([telemetry.state(), telemetry.dependency]).toEqual([undefined, undefined]);
  });
});
