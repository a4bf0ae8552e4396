import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import { context, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import {
  extractContext,
  injectContext,
  inSpan,
  serverSpan,
  startTelemetry,
  type Telemetry,
  type TelemetryOptions,
  traceParent,
} from "../../services/kit/telemetry.js";
import { startCollector } from "../support/collector.js";

const remote = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const contract = { method: AuthService.method.login };
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function started(options: Partial<TelemetryOptions>): Promise<Telemetry> {
  const telemetry = await startTelemetry({
    exporter: "otlp",
    serviceName: "engine",
    version: "1.2.3",
    sampleRatio: 1,
    shutdownMs: 2_000,
    ...options,
  });
  closers.push(() => telemetry.shutdown());
  return telemetry;
}

async function collector(answer?: { status: number }) {
  const running = await startCollector(answer);
  closers.push(running.close);
  return running;
}

describe("telemetry over OTLP", () => {
  it("delivers spans with their parents, and with service and version", async () => {
    const { url, requests, spans } = await collector();
    const telemetry = await started({ endpoint: url });
    const header = new Headers({ traceparent: remote, "content-type": "application/grpc" });
    await serverSpan(contract, { header }, async (span) => {
      await inSpan("store", { "db.system": "postgresql" }, () => inSpan("query", {}, async () => {}));
      span.end();
    });
    expect(telemetry.state()).toEqual({ exporting: true, failures: 0 });
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
      "rpc.system": "grpc",
      "rpc.service": "consciousness.auth.v1.AuthService",
      "rpc.method": "Login",
      "rpc.grpc.status_code": 0,
    });
    expect(store?.attributes).toEqual({ "db.system": "postgresql" });
  });

  it("puts a call in memory below the active span, whatever its header says", async () => {
    const { url, spans } = await collector();
    const telemetry = await started({ endpoint: url });
    await inSpan("outer", {}, () =>
      serverSpan(contract, { header: new Headers({ traceparent: remote }) }, async (span) => span.end()),
    );
    await telemetry.shutdown();
    const [server, outer] = spans();
    expect(server?.parentSpanId).toBe(outer?.spanId);
    expect(server?.attributes["rpc.system"]).toBe("connect_rpc");
  });

  it("marks failures by code and name, never by message", async () => {
    const { url, requests, spans } = await collector();
    const telemetry = await started({ endpoint: url });
    const header = new Headers();
    const refuse = new ConnectError("my diary", Code.NotFound);
    await expect(serverSpan(contract, { header }, () => Promise.reject(refuse))).rejects.toBe(refuse);
    await serverSpan(contract, { header }, async (span) =>
      span.end(new ConnectError("my diary", Code.DeadlineExceeded)),
    );
    await expect(inSpan("work", {}, () => Promise.reject(new TypeError("my diary")))).rejects.toThrow(
      TypeError,
    );
    await telemetry.shutdown();
    const [notFound, late, work] = spans().map((span) => span.attributes);
    expect(notFound).toMatchObject({ "rpc.connect_rpc.error_code": "not_found" });
    expect(notFound).not.toHaveProperty("error.type");
    expect(late).toMatchObject({
      "rpc.connect_rpc.error_code": "deadline_exceeded",
      "error.type": "deadline_exceeded",
    });
    expect(work).toEqual({ "error.type": "TypeError" });
    for (const { body } of requests) expect(Buffer.from(body).toString("latin1")).not.toContain("diary");
  });

  it("records no trace at ratio 0, except one that its caller records", async () => {
    const { url, spans } = await collector();
    const telemetry = await started({ endpoint: url, sampleRatio: 0 });
    await inSpan("ours", {}, () => {});
    await context.with(extractContext(new Headers({ traceparent: remote })), () =>
      inSpan("theirs", {}, () => {}),
    );
    await telemetry.shutdown();
    expect(spans().map(({ name }) => name)).toEqual(["theirs"]);
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
    await inSpan("work", {}, () => {
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
    await inSpan("work", {}, () => {});
    await telemetry.shutdown();
    expect(telemetry.state()).toMatchObject({
      exporting: false,
      failures: 1,
      lastError: expect.stringContaining("Bad"),
    });
    expect(failures).toEqual([1]);
  });

  it.each(["otlp", "jaeger"] as const)(
    "does not delay the end beyond the bound: %s, silent",
    async (exporter) => {
      const silent = createServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
      await once(silent, "listening");
      closers.push(() => silent.close());
      const endpoint = `http://127.0.0.1:${(silent.address() as { port: number }).port}`;
      const telemetry = await started({ exporter, endpoint, shutdownMs: 100 });
      await inSpan("work", {}, () => {});
      const start = performance.now();
      await telemetry.shutdown();
      expect(performance.now() - start).toBeLessThan(1_000);
      const connections = promisify(silent.getConnections.bind(silent));
      if (exporter === "jaeger") await expect.poll(connections, { timeout: 5_000 }).toBe(0);
    },
  );

  it("does not delay the end beyond the bound: nobody listens", async () => {
    const telemetry = await started({ endpoint: "http://127.0.0.1:1", shutdownMs: 100 });
    await inSpan("work", {}, () => {});
    const start = performance.now();
    await telemetry.shutdown();
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe("telemetry over Jaeger's protocol", () => {
  it("posts to an HTTP collector", async () => {
    const { url, requests } = await collector();
    const telemetry = await started({ exporter: "jaeger", endpoint: url });
    await inSpan("posted", {}, () => {});
    await telemetry.shutdown();
    expect(requests[0]).toMatchObject({ path: "/api/traces", type: "application/x-thrift" });
    const body = Buffer.from(requests[0]?.body ?? []).toString("latin1");
    for (const text of ["posted", "engine"]) expect(body).toContain(text);
  });

  it("counts what an HTTP collector refuses", async () => {
    const { url } = await collector({ status: 503 });
    const telemetry = await started({ exporter: "jaeger", endpoint: `${url}/elsewhere?token=abc` });
    await inSpan("posted", {}, () => {});
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
    await inSpan("sent", {}, () => {});
    await telemetry.shutdown();
    expect(String((await received)[0])).toContain("sent");
  });
});

describe("telemetry without exporter", () => {
  it("runs the work, records nothing and passes nothing on", async () => {
    const telemetry = await started({ exporter: "none" });
    const out = new Headers();
    const answer = await serverSpan(
      contract,
      { header: new Headers({ traceparent: remote }) },
      async (span) => {
        injectContext(out);
        span.end();
        return inSpan("work", {}, (inner) => inner.isRecording());
      },
    );
    expect([answer, traceParent(), [...out]]).toEqual([false, "", []]);
    expect(telemetry.state()).toEqual({ exporting: false, failures: 0 });
  });
});
