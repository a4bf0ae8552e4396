import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, it, vi } from "vitest";
import { ServingStatus, SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { errorFacts } from "../../../services/kit/errors.js";
import { createReadiness } from "../../../services/kit/serve/readiness.js";
import { createSystem } from "../../../services/kit/serve/system.js";

function setUp() {
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
  const handlers = createSystem({
    readiness,
    workloads: ["engine", "agents"],
    version: "1.2.3",
    startTime: 60_000,
    clock,
    load: () => ({ inFlight: 3, limit: 64 }),
    metrics: async () => ({ contentType: "text/plain; version=0.0.4", body: "calls_total 1\n" }),
  });
  const transport = createRouterTransport(({ service }) => service(SystemService, handlers));
  return { database, bus, events, readiness, system: createClient(SystemService, transport) };
}

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
    });
    expect(startTime && timestampMs(startTime)).toBe(60_000);
    expect(dependencies.map(({ name, status: serving }) => [name, serving])).toEqual([
      ["database", ServingStatus.SERVING],
      ["bus", ServingStatus.NOT_SERVING],
      ["events", ServingStatus.SERVING],
    ]);
  });
});

describe("GetMetrics", () => {
  it("returns the text with its content type", async () => {
    const { system } = setUp();
    const { contentType, data } = await system.getMetrics({});
    expect(contentType).toBe("text/plain; version=0.0.4");
    expect(new TextDecoder().decode(data)).toBe("calls_total 1\n");
  });
});
