import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { observe } from "../../../services/kit/chain/observe.js";
import { translateErrors } from "../../../services/kit/chain/translate-errors.js";
import { callKey } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import type { LogLevel } from "../../../services/kit/log.js";
import { ada, fakeClock } from "../tokens/forge.js";
import {
  expectRefusal,
  getAgent,
  type Handler,
  messagesOf,
  pass,
  recordedLog,
  recordedMetrics,
  requestOf,
  watch,
} from "./calls.js";

const agents = "consciousness.agents.v1.AgentsService";

function observed(level: LogLevel = "info") {
  const { log, lines } = recordedLog(level);
  const { metrics, matching } = recordedMetrics();
  const clock = fakeClock();
  const layer = observe({ workload: Workload.AGENTS, log, metrics, clock, trustRequestId: true });
  return { layers: [layer, translateErrors], lines, matching, clock };
}

const fromWire = (header: Record<string, string> = {}) => requestOf(getAgent, { call: undefined, header });

describe("a call that succeeds", () => {
  it("leaves one line with the agreed fields", async () => {
    const { layers, lines, clock } = observed();
    const request = fromWire({ "x-request-id": "client-1" });
    await pass(layers, request, ({ contextValues }) => {
      clock.advance(12.5);
      const call = contextValues.get(callKey);
      if (call) contextValues.set(callKey, { ...call, principal: ada, caller: Workload.GATEWAY });
      return {};
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: "info", message: "call served", correlation_id: "client-1" });
    expect(lines[0]?.metadata).toEqual({
      method: `${agents}/GetAgent`,
      code: "ok",
      duration_ms: 12.5,
      request_id: request.contextValues.get(callKey)?.requestId,
      principal: "u1",
      tenant: "t1",
      caller: "gateway",
    });
  });

  it("answers with the correlation id", async () => {
    const { header } = await pass(observed().layers, fromWire({ "x-request-id": "client-1" }));
    expect(header.get("x-request-id")).toBe("client-1");
  });

  it("is counted with its duration, and no longer in flight", async () => {
    const { layers, matching, clock } = observed();
    await pass(layers, fromWire(), async () => {
      expect(await matching("rpc_server_in_flight")).toEqual(['rpc_server_in_flight{workload="agents"} 1']);
      clock.advance(20);
      return {};
    });
    const labels = `service="${agents}",method="GetAgent"`;
    expect(await matching("rpc_server_requests_total")).toEqual([
      `rpc_server_requests_total{${labels},code="ok"} 1`,
    ]);
    expect(await matching("rpc_server_duration_seconds_sum")).toEqual([
      `rpc_server_duration_seconds_sum{${labels}} 0.02`,
    ]);
    expect(await matching("rpc_server_in_flight")).toEqual(['rpc_server_in_flight{workload="agents"} 0']);
  });

  it("tells the listener that it reached the chain", async () => {
    const arrival = { reachedChain: false };
    await pass(observed().layers, requestOf(getAgent, { call: undefined, arrival }));
    expect(arrival.reachedChain).toBe(true);
  });
});

describe("a call that is refused", () => {
  it("leaves one line with code and reason, and its correlation id on the error", async () => {
    const { layers, lines, matching } = observed();
    const answer = pass(layers, fromWire({ "x-request-id": "client-1" }), () => {
      throw errors.agentNotFound({ id: "7" });
    });
    const error = await expectRefusal(answer, Code.NotFound, "AGENT_NOT_FOUND");
    expect(error.metadata.get("x-request-id")).toBe("client-1");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: "info",
      message: "call refused",
      metadata: { code: "not_found", reason: "AGENT_NOT_FOUND", caller: "nobody" },
    });
    expect(await matching("rpc_server_requests_total")).toEqual([
      `rpc_server_requests_total{service="${agents}",method="GetAgent",code="not_found"} 1`,
    ]);
  });
});

describe("a call that fails inside", () => {
  it("logs the cause, which the answer does not show", async () => {
    const { layers, lines } = observed();
    const answer = pass(layers, fromWire(), () => {
      throw new TypeError("the disk is on fire");
    });
    const error = await expectRefusal(answer, Code.Internal, "INTERNAL");
    expect(error.message).not.toContain("fire");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: "error",
      message: "call failed",
      metadata: {
        code: "internal",
        reason: "INTERNAL",
        error_name: "TypeError",
        error_message: "the disk is on fire",
      },
    });
  });

  it("warns with the cause when something that it needs is away", async () => {
    const { layers, lines } = observed();
    const answer = pass(layers, fromWire(), () => {
      throw errors.dependencyUnavailable({ dependency: "database" }, new Error("ECONNREFUSED"));
    });
    await expectRefusal(answer, Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: "warn", metadata: { error_message: "ECONNREFUSED" } });
  });
});

describe("a stream", () => {
  const watching = async (handler: Handler) => {
    const seen = observed();
    return { ...seen, response: await pass(seen.layers, requestOf(watch, { call: undefined }), handler) };
  };

  it("counts when it ends, not when it starts", async () => {
    const { response, lines } = await watching(async function* () {
      yield {};
      yield {};
    });
    expect(lines).toHaveLength(0);
    expect(await messagesOf(response)).toHaveLength(2);
    expect(lines.map(({ metadata }) => metadata.code)).toEqual(["ok"]);
  });

  it("that fails after its first message counts as a failure, cause in the log", async () => {
    const { response, lines, matching } = await watching(async function* () {
      yield {};
      throw new ConnectError("upstream says no", Code.NotFound);
    });
    const error = await expectRefusal(messagesOf(response), Code.Internal, "INTERNAL");
    expect(error.message).not.toContain("upstream");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: "error", metadata: { error_message: expect.any(String) } });
    expect(await matching("rpc_server_requests_total")).toEqual([
      'rpc_server_requests_total{service="grpc.health.v1.Health",method="Watch",code="internal"} 1',
    ]);
  });

  it("counts once when its reader stops, also before the first message", async () => {
    for (const reads of [0, 1]) {
      const { response, lines, matching } = await watching(async function* () {
        for (;;) yield {};
      });
      if (!response.stream) throw new Error("no stream");
      const messages = response.message[Symbol.asyncIterator]();
      for (let read = 0; read < reads; read += 1) await messages.next();
      await messages.return?.();
      await messages.return?.();
      expect(lines).toHaveLength(1);
      expect(await matching("rpc_server_in_flight")).toEqual(['rpc_server_in_flight{workload="agents"} 0']);
    }
  });

  it.each([
    ["canceled", undefined],
    ["canceled", new ConnectError("reset", Code.Canceled)],
    ["deadline_exceeded", new ConnectError("timed out", Code.DeadlineExceeded)],
  ])("counts as %s when its client goes away, even if Connect forgets the messages", async (code, reason) => {
    const { layers, lines } = observed();
    const client = new AbortController();
    const request = requestOf(watch, { call: undefined, signal: client.signal });
    const response = await pass(layers, request, async function* () {
      for (;;) yield {};
    });
    if (!response.stream) throw new Error("no stream");
    await response.message[Symbol.asyncIterator]().next();
    client.abort(reason);
    expect(lines.map(({ metadata }) => metadata.code)).toEqual([code]);
  });

  it("counts once when its client was gone before it began", async () => {
    const { layers, lines } = observed();
    const request = requestOf(watch, { call: undefined, signal: AbortSignal.abort() });
    await messagesOf(await pass(layers, request, async function* () {}));
    expect(lines.map(({ metadata }) => metadata.code)).toEqual(["canceled"]);
  });

  it("counts when its reader stops while the handler waits and hears of nothing", async () => {
    const { response, lines } = await watching(async function* () {
      await new Promise(() => undefined);
      yield {};
    });
    if (!response.stream) throw new Error("no stream");
    const messages = response.message[Symbol.asyncIterator]();
    void messages.next();
    void messages.return?.();
    expect(lines).toHaveLength(1);
  });
});

describe("at level debug", () => {
  const { login } = AuthService.method;

  it("shows the request by the data classes of its fields", async () => {
    const { layers, lines } = observed("debug");
    const message = { username: "ada", password: "correct horse" };
    await pass(layers, requestOf(login, { message }));
    expect(lines[0]).toMatchObject({
      level: "debug",
      metadata: { fields: { username: "[confidential]", password: "[restricted]" } },
    });
    expect(JSON.stringify(lines)).not.toContain("horse");
  });

  it("shows nothing of it at any other level", async () => {
    const { layers, lines } = observed("info");
    await pass(layers, requestOf(login, { message: { username: "ada", password: "correct horse" } }));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.metadata).not.toHaveProperty("fields");
  });
});
