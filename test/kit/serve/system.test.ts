import { toJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, it, vi } from "vitest";
import {
  GetStatusResponseSchema,
  ServingStatus,
  SystemService,
} from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { errorFacts } from "../../../services/kit/errors.js";
import { createReadiness } from "../../../services/kit/serve/readiness.js";
import { createStatus, type StatusOptions } from "../../../services/kit/serve/status.js";
import { createSystem } from "../../../services/kit/serve/system.js";
import type { TelemetryState } from "../../../services/kit/telemetry.js";

const subscriptions = new Map([
  ["search", { pending: async () => 7 }],
  ["away", { pending: () => Promise.reject(new Error("nats://secret@10.0.0.7:4222 is away")) }],
]);

function setUp(options: Partial<StatusOptions> = {}) {
  const clock = { now: () => 61_500, monotonic: () => 0 };
  const database = vi.fn(() => Promise.resolve());
  const bus = vi.fn(() => Promise.resolve());
  const events = vi.fn(() => Promise.resolve());
  const dependencies = [
    { name: "database", check: database },
    { name: "bus", check: bus },
    { name: "events", degrades: true, check: events },
  ];
  const readiness = createReadiness({ dependencies, clock });
  const traces = options.traces ?? (() => undefined);
  const status = createStatus({
    readiness,
    workloads: ["engine", "agents"],
    versions: { platform: "1.2.3", node: "20.19.0", contract: "0123456789ab", models: "7" },
    startTime: 60_000,
    clock,
    load: () => ({ inFlight: 3, limit: 64, queueMs: 12 }),
    waiting: () => 5,
    outbox: () => ({ pending: 9, oldestSeconds: 1.5 }),
    subscriptions,
    traces,
    ...options,
  });
  const handlers = createSystem({
    readiness,
    workloads: ["engine", "agents"],
    status: ({ signal }) => status(signal),
    metrics: async (format) => ({ contentType: `text/${format}`, body: "calls_total 1\n" }),
    traces,
  });
  const transport = createRouterTransport(({ service }) => service(SystemService, handlers));
  return { database, bus, events, readiness, system: createClient(SystemService, transport) };
}

const exporting: TelemetryState = {
  exporting: true,
  exported: 512,
  failed: 3,
  dropped: 1,
  waiting: 2,
  failures: 1,
  lastError: "connect ECONNREFUSED 10.0.0.9:4318",
};

async function failure(call: Promise<unknown>) {
  const error = ConnectError.from(
    await call.then(
      () => undefined,
      (thrown) => thrown,
    ),
  );
  return { code: error.code, reason: errorFacts(error)?.reason, message: error.rawMessage };
}

describe("GetHealth", () => {
  it("answers SERVING without asking a dependency", async () => {
    const { system, database } = setUp();
    expect((await system.getHealth({})).status).toBe(ServingStatus.SERVING);
    expect(database).not.toHaveBeenCalled();
  });
});

describe("GetReadiness", () => {
  it("answers SERVING when every dependency answers", async () => {
    const { system } = setUp();
    expect((await system.getReadiness({})).status).toBe(ServingStatus.SERVING);
  });

  it("fails with DEPENDENCY_UNAVAILABLE and names each that does not answer, without the cause", async () => {
    const { system, database, bus } = setUp();
    database.mockRejectedValue(new Error("password of postgres://user:secret@host"));
    bus.mockRejectedValue(new Error("gone"));
    expect(await failure(system.getReadiness({}))).toEqual({
      code: Code.Unavailable,
      reason: "DEPENDENCY_UNAVAILABLE",
      message: "database, bus does not answer.",
    });
  });

  it("answers SERVING and names what it serves without", async () => {
    const { system, events } = setUp();
    events.mockRejectedValue(new Error("away"));
    expect(await system.getReadiness({})).toMatchObject({
      status: ServingStatus.SERVING,
      degraded: ["events"],
    });
  });

  it("fails with SHUTTING_DOWN from a drain on", async () => {
    const { system, readiness } = setUp();
    readiness.drain();
    expect(await failure(system.getReadiness({}))).toMatchObject({
      code: Code.Unavailable,
      reason: "SHUTTING_DOWN",
    });
  });
});

describe("GetStatus", () => {
  it("returns version, uptime, load and each dependency as of now", async () => {
    const { system, bus } = setUp();
    await system.getReadiness({});
    bus.mockRejectedValue(new Error("gone"));
    const { startTime, dependencies, ...status } = await system.getStatus({});
    expect(status).toMatchObject({
      version: "1.2.3",
      workloads: ["engine", "agents"],
      uptimeSeconds: 1.5,
      callsInFlight: 3,
      admissionLimit: 64,
      versions: { platform: "1.2.3", node: "20.19.0", contract: "0123456789ab", models: "7" },
    });
    expect(startTime && timestampMs(startTime)).toBe(60_000);
    expect(dependencies.map(({ name, status: serving, optional }) => [name, serving, optional])).toEqual([
      ["database", ServingStatus.SERVING, false],
      ["bus", ServingStatus.NOT_SERVING, false],
      ["events", ServingStatus.SERVING, true],
    ]);
  });

  it("returns what waits, and leaves out what the bus does not say", async () => {
    const { queues } = await setUp().system.getStatus({});
    expect(queues).toMatchObject({
      waitingCalls: 5,
      admissionWaitMs: 12,
      outbox: { pending: 9, oldestSeconds: 1.5 },
      consumers: [{ name: "search", pending: 7n }, { name: "away" }],
    });
    expect(queues?.consumers[1]?.pending).toBeUndefined();
  });

  it("returns what the process found when it checked itself", async () => {
    const judges = { name: "judges", ok: true, detail: "rules 0123" };
    const { system } = setUp({ selfChecks: async () => [judges] });
    expect((await system.getStatus({})).selfChecks).toMatchObject([judges]);
    const failing = setUp({ selfChecks: () => Promise.reject(new Error("at /home/secret")) });
    expect((await failing.system.getStatus({})).selfChecks).toMatchObject([
      { name: "self_checks", ok: false, detail: "did not end" },
    ]);
  });

  it("tells how many spans left, and never where to or why not", async () => {
    const { system } = setUp({ traces: () => exporting });
    const { traceExport } = await system.getStatus({});
    expect(traceExport).toMatchObject({
      exported: 512n,
      failed: 3n,
      dropped: 1n,
      waiting: 2,
      delivering: false,
    });
    const told = JSON.stringify(toJson(GetStatusResponseSchema, await system.getStatus({})));
    expect(told).not.toMatch(/10\.0\.0|secret|ECONN|4318/);
    expect((await system.getReadiness({})).traceExport).toMatchObject({ failed: 3n, delivering: false });
    expect((await setUp().system.getReadiness({})).traceExport).toBeUndefined();
  });
});

describe("GetMetrics", () => {
  const accepts: [string | undefined, string][] = [
    [undefined, "prometheus"],
    ["*/*", "prometheus"],
    ["text/plain", "prometheus"],
    ["application/openmetrics-text", "openmetrics"],
    [
      "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
      "openmetrics",
    ],
    ["application/openmetrics-text;q=0.2, text/plain;q=0.3", "prometheus"],
    ["application/openmetrics-text;q=0", "prometheus"],
    ["application/openmetrics-text;q=nonsense", "prometheus"],
  ];
  it.each(accepts)("answers %s with the text of %s", async (accept, format) => {
    const { system } = setUp();
    let varies: string | null = null;
    const headers = accept === undefined ? {} : { accept };
    const onHeader = (header: Headers) => {
      varies = header.get("vary");
    };
    const { contentType, data } = await system.getMetrics({}, { headers, onHeader });
    expect(contentType).toBe(`text/${format}`);
    expect(new TextDecoder().decode(data)).toBe("calls_total 1\n");
    expect(varies).toBe("accept");
  });
});
