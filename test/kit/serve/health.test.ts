import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, it, vi } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#gen/ts/grpc/health/v1/health_pb.js";
import { systemClock } from "../../../services/kit/clock.js";
import { errorFacts } from "../../../services/kit/errors.js";
import { createHealth } from "../../../services/kit/serve/health.js";
import { createReadiness } from "../../../services/kit/serve/readiness.js";
import { eventually } from "../../support/until.js";

function setUp(maxWatchers?: number) {
  const check = vi.fn(() => Promise.resolve());
  const readiness = createReadiness({
    dependencies: [{ name: "database", check }],
    clock: systemClock,
    cacheMs: 0,
    intervalMs: 1,
  });
  const handlers = createHealth({
    readiness,
    services: ["test.v1.TestService"],
    ...(maxWatchers === undefined ? {} : { maxWatchers }),
  });
  const transport = createRouterTransport(({ service }) => service(Health, handlers));
  return { check, readiness, health: createClient(Health, transport) };
}

async function failure(call: Promise<unknown>) {
  const error = ConnectError.from(
    await call.then(
      () => undefined,
      (thrown) => thrown,
    ),
  );
  return { code: error.code, reason: errorFacts(error)?.reason };
}

describe("Check", () => {
  it("answers SERVING for the process and for each of its services", async () => {
    const { health } = setUp();
    expect((await health.check({})).status).toBe(Status.SERVING);
    expect((await health.check({ service: "test.v1.TestService" })).status).toBe(Status.SERVING);
  });

  it("answers NOT_SERVING when a dependency fails", async () => {
    const { health, check } = setUp();
    check.mockRejectedValue(new Error("gone"));
    expect((await health.check({ service: "test.v1.TestService" })).status).toBe(Status.NOT_SERVING);
  });

  it("answers NOT_SERVING from a drain on", async () => {
    const { health, readiness } = setUp();
    readiness.drain();
    expect((await health.check({})).status).toBe(Status.NOT_SERVING);
  });

  it("fails with NOT_FOUND for a service that it does not serve", async () => {
    const { health } = setUp();
    expect(await failure(health.check({ service: "test.v1.Other" }))).toEqual({
      code: Code.NotFound,
      reason: "SERVICE_UNKNOWN",
    });
  });
});

describe("List", () => {
  it("has the process and each service", async () => {
    const { health } = setUp();
    const { statuses } = await health.list({});
    expect(Object.entries(statuses).map(([name, { status }]) => [name, status])).toEqual([
      ["", Status.SERVING],
      ["test.v1.TestService", Status.SERVING],
    ]);
  });
});

describe("Watch", () => {
  it("streams each change and ends after a drain", async () => {
    const { health, check, readiness } = setUp();
    const seen: Status[] = [];
    for await (const { status } of health.watch({ service: "test.v1.TestService" })) {
      seen.push(status);
      if (seen.length === 1) check.mockRejectedValue(new Error("gone"));
      if (seen.length === 2) check.mockResolvedValue();
      if (seen.length === 3) readiness.drain();
    }
    expect(seen).toEqual([Status.SERVING, Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
  });

  it("says SERVICE_UNKNOWN once for a service that it does not serve, and stays open", async () => {
    const { health, check, readiness } = setUp();
    const seen: Status[] = [];
    for await (const { status } of health.watch({ service: "test.v1.Other" })) {
      seen.push(status);
      check.mockRejectedValue(new Error("gone"));
      const asked = check.mock.calls.length;
      void eventually(() => expect(check.mock.calls.length).toBeGreaterThan(asked + 2)).then(readiness.drain);
    }
    expect(seen).toEqual([Status.SERVICE_UNKNOWN]);
  });

  it("refuses more watches than its bound, and takes one again when another has been cancelled", async () => {
    const { health } = setUp(1);
    const first = new AbortController();
    const watch = health.watch({}, { signal: first.signal })[Symbol.asyncIterator]();
    await watch.next();
    const second = () => health.watch({})[Symbol.asyncIterator]().next();
    expect(await failure(second())).toEqual({ code: Code.Unavailable, reason: "OVERLOADED" });
    first.abort();
    await eventually(async () => expect((await second()).value).toMatchObject({ status: Status.SERVING }));
  });
});
