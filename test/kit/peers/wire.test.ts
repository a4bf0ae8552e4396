import { EventEmitter } from "node:events";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { ErrorInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { requestedTimeout } from "../../../services/kit/chain/deadline.js";
import { callOf } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { newId } from "../../../services/kit/ids.js";
import { workloadTokenHeader } from "../../../services/kit/tokens.js";
import { startCollector } from "../../support/collector.js";
import { inTrace, startTracing } from "../../support/traces.js";
import { expectRefusal } from "../chain/calls.js";
import { ada } from "../tokens/forge.js";
import { callerWith, peers, remote, token } from "./callee.js";

const id = newId();
const exchangeToken = () => ({ token: "internal", expiresIn: 60 });
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The peers of a workload towards a real port with these handlers. */
async function towards(handlers: Parameters<typeof remote>[0], self = Workload.ENGINE, layers?: []) {
  const { address, stop } = await remote({ exchangeToken, ...handlers }, layers);
  closers.push(stop);
  return peers(self, { address });
}

/** Whatever a call of GetAgent arrives with. */
async function arriving(call = {}) {
  let context: HandlerContext | undefined;
  const peer = await towards({
    getAgent: (_, received) => {
      context = received;
      return {};
    },
  });
  await peer(AgentsService).getAgent({ id }, callerWith(call));
  if (!context) throw new Error("nothing arrived");
  return context;
}

describe("a call over the wire", () => {
  it("proves the workload and the principal, and carries the ids", async () => {
    const context = await arriving({ correlationId: "client-1" });
    const { requestHeader } = context;
    expect(requestHeader.get("authorization")).toBe("Bearer internal");
    const proof = requestHeader.get(workloadTokenHeader) ?? "";
    expect(await token.verify(proof, Workload.AGENTS)).toBe(Workload.ENGINE);
    expect(requestHeader.get("x-request-id")).toBe("client-1");
    expect(requestHeader.has("traceparent")).toBe(false);
    expect(callOf(context)).toMatchObject({
      requestId: callOf(callerWith()).requestId,
      correlationId: "client-1",
      caller: Workload.ENGINE,
      principal: ada,
      credential: "internal",
    });
  });

  it("tells of the client that the caller's own call came from, and of no other", async () => {
    const client = { address: "203.0.113.9", agent: "probe/1.0" };
    const known = callOf(await arriving({ client })).client;
    expect({ address: known?.address, agent: known?.agent }).toEqual(client);
    expect(callOf(await arriving()).client).toMatchObject({ address: "", agent: "" });
  });

  it("is a span below the caller's, which the peer continues, with the code of its end", async () => {
    const collector = await startCollector();
    closers.push(collector.close);
    const telemetry = await startTracing({ endpoint: collector.url });
    const refused = await towards({ getAgent: () => Promise.reject(errors.agentNotFound({ id })) });
    const traceparent = await inTrace("caller", async () => {
      await refused(AgentsService)
        .getAgent({ id }, callerWith())
        .catch(() => undefined);
      return (await arriving()).requestHeader.get("traceparent");
    });
    await telemetry.shutdown();
    const name = "consciousness.agents.v1.AgentsService/GetAgent";
    const [not, found] = collector.spans().filter((span) => span.name === name);
    const caller = collector.spans().find((span) => span.name === "caller");
    expect(traceparent).toBe(`00-${caller?.traceId}-${found?.spanId}-01`);
    const attributes = { "rpc.system.name": "grpc", "rpc.method": name, "server.address": "agents" };
    expect(found).toMatchObject({ name, kind: 3, failed: false, parentSpanId: caller?.spanId });
    expect(found?.attributes).toEqual({ ...attributes, "rpc.status_code": "OK" });
    expect(not).toMatchObject({ name, kind: 3, failed: true, parentSpanId: caller?.spanId });
    const failed = { "rpc.status_code": "NOT_FOUND", "error.type": "NOT_FOUND" };
    expect(not?.attributes).toEqual({ ...attributes, ...failed });
  });

  it("tells the peer of a trace that is sampled out", async () => {
    const sampledOut = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    const { requestHeader } = await arriving({ sampledOut });
    expect(requestHeader.get("traceparent")).toBe(sampledOut);
  });

  it("is refused where the contract has not the caller", async () => {
    const peer = await towards({});
    const answer = peer(AgentsService).createAgent({ agent: { name: "a", agentType: "b" } }, callerWith());
    await expectRefusal(answer, Code.PermissionDenied, "CALLER_NOT_ALLOWED");
  });

  it("tells the peer how long the caller waits", async () => {
    const { requestHeader } = await arriving({ deadline: Date.now() + 1000 });
    expect(requestedTimeout(requestHeader)).toBeGreaterThan(0);
    expect(requestedTimeout(requestHeader)).toBeLessThanOrEqual(1000);
    const endless = await arriving({ deadline: Number.POSITIVE_INFINITY });
    expect(endless.requestHeader.has("grpc-timeout")).toBe(false);
  });
});

describe("public methods", () => {
  it("are sent no token of the principal", async () => {
    let header = new Headers();
    const peer = await towards({
      getJwks: (_, { requestHeader }) => {
        header = requestHeader;
        return {};
      },
    });
    await peer(AuthService).getJwks({}, callerWith());
    expect(header.has("authorization")).toBe(false);
    expect(header.has(workloadTokenHeader)).toBe(true);
  });
});

describe("the token of the principal", () => {
  it("is exchanged once for all who ask at the same time and later", async () => {
    const asked: unknown[] = [];
    const peer = await towards({
      getAgent: () => ({}),
      exchangeToken: (request) => {
        asked.push([request.subjectToken, request.audience]);
        return exchangeToken();
      },
    });
    const call = () => peer(AgentsService).getAgent({ id }, callerWith());
    await Promise.all([call(), call(), call()]);
    await call();
    expect(asked).toEqual([["outside", "agents"]]);
  });

  it("refuses the call when auth does not give one", async () => {
    const peer = await towards({
      exchangeToken: () => {
        throw errors.tokenExpired();
      },
    });
    const answer = peer(AgentsService).getAgent({ id }, callerWith());
    await expectRefusal(answer, Code.Unauthenticated, "TOKEN_EXPIRED");
  });
});

describe("what a peer answers", () => {
  it("comes through with its details when it is of the catalogue, without the peer's metadata", async () => {
    const peer = await towards({
      getAgent: () => {
        const error = errors.agentNotFound({ id });
        error.metadata.set("x-internal", "secret");
        throw error;
      },
    });
    const answer = peer(AgentsService).getAgent({ id }, callerWith());
    const error = await expectRefusal(answer, Code.NotFound, "AGENT_NOT_FOUND");
    expect(error.rawMessage).toBe(`Agent ${id} does not exist.`);
    expect(error.findDetails(ErrorInfoSchema)[0]?.metadata).toEqual({ id });
    expect([...error.metadata]).toEqual([]);
  });

  it("is INTERNAL when it is of no catalogue, whatever its code and text", async () => {
    const getAgent = () => {
      throw new ConnectError("secret of the upstream", Code.NotFound);
    };
    const peer = await towards({ getAgent }, Workload.ENGINE, []);
    const answer = peer(AgentsService).getAgent({ id }, callerWith({ credential: undefined }));
    const error = await expectRefusal(answer, Code.Internal, "INTERNAL");
    expect(error.message).not.toContain("secret");
  });

  it("is DEPENDENCY_UNAVAILABLE when nobody listens", async () => {
    const { address, stop } = await remote({});
    await stop();
    const answer = peers(Workload.GATEWAY, { address })(AuthService).login({}, callerWith());
    const error = await expectRefusal(answer, Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
    expect(error.rawMessage).toBe("auth does not answer.");
  });

  it("is DEADLINE_EXCEEDED when the peer takes longer than the caller waits", async () => {
    const peer = await towards({ getJwks: () => new Promise(() => undefined) });
    const answer = peer(AuthService).getJwks({}, callerWith({ deadline: Date.now() + 60 }));
    await expectRefusal(answer, Code.DeadlineExceeded, "DEADLINE_EXCEEDED");
  });

  it("is DEADLINE_EXCEEDED of our own making when the peer does not even say so", async () => {
    const peer = await towards({ getJwks: () => new Promise(() => undefined) }, Workload.ENGINE, []);
    const answer = peer(AuthService).getJwks({}, callerWith({ deadline: Date.now() + 60 }));
    const error = await expectRefusal(answer, Code.DeadlineExceeded, "DEADLINE_EXCEEDED");
    expect(error.rawMessage).toMatch(/^No answer within \d\d ms\.$/);
  });

  it("is DEADLINE_EXCEEDED too when the caller's patience is a signal of its own", async () => {
    const peer = await towards({ getJwks: () => new Promise(() => undefined) });
    const answer = peer(AuthService).getJwks({}, callerWith({}, AbortSignal.timeout(60)));
    await expectRefusal(answer, Code.DeadlineExceeded, "DEADLINE_EXCEEDED");
  });

  it("is CANCELED when the caller's own caller goes away, which the peer hears", async () => {
    const outer = new AbortController();
    let heard: Promise<unknown> | undefined;
    const peer = await towards({
      getJwks: async (_, { signal }) => {
        heard = new Promise((resolve) => signal.addEventListener("abort", resolve));
        outer.abort();
        await heard;
        return {};
      },
    });
    const answer = peer(AuthService).getJwks({}, callerWith({}, outer.signal));
    await expectRefusal(answer, Code.Canceled, "CANCELED");
    await heard;
  });
});

describe("a peer whose connection is cut amid a call", () => {
  const forever = () => new Promise<never>(() => undefined);
  /** Two replicas, of which the first never answers, and is cut off as soon as it was called. */
  const cutOff = async (method: "getJwks" | "login") => {
    const called = { first: 0, second: 0 };
    const cut = new EventEmitter();
    const first = await remote({
      [method]: () => {
        called.first += 1;
        cut.emit("called");
        return forever();
      },
    });
    const answer = () => {
      called.second += 1;
      return {};
    };
    const second = await remote({ [method]: answer });
    closers.push(first.stop, second.stop);
    cut.once("called", first.stop);
    const auth = peers(Workload.GATEWAY, { address: [first.address, second.address] })(AuthService);
    return { called, auth };
  };

  it("gets an idempotent call answered by another replica", async () => {
    const { called, auth } = await cutOff("getJwks");
    for (let call = 0; call < 4; call += 1) await auth.getJwks({}, callerWith());
    expect(called).toEqual({ first: 1, second: 4 });
  });

  it("is DEPENDENCY_UNAVAILABLE for a call that may have had its effect, which is sent once", async () => {
    const { called, auth } = await cutOff("login");
    const calls = Array.from({ length: 2 }, () => auth.login({ username: "a", password: "b" }, callerWith()));
    const outcomes = await Promise.allSettled(calls);
    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(called).toEqual({ first: 1, second: 1 });
    expect(refused).toHaveLength(1);
    const [lost] = refused as PromiseRejectedResult[];
    await expectRefusal(Promise.reject(lost?.reason), Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
  });

  it("is not asked when it listens no more, whatever the call", async () => {
    const [gone, here] = [await remote({}), await remote({ login: () => ({}) })];
    closers.push(here.stop);
    await gone.stop();
    const auth = peers(Workload.GATEWAY, { address: [gone.address, here.address] })(AuthService);
    for (let call = 0; call < 4; call += 1) await auth.login({ username: "a", password: "b" }, callerWith());
  });
});

describe("a peer that is overloaded", () => {
  it("is asked again only for what may be repeated", async () => {
    const calls = { login: 0, getJwks: 0 };
    const overloaded = (name: keyof typeof calls) => () => {
      calls[name] += 1;
      throw errors.overloaded({ workload: "auth", limit: 1 });
    };
    const handlers = { login: overloaded("login"), getJwks: overloaded("getJwks") };
    const auth = (await towards(handlers, Workload.GATEWAY))(AuthService);
    const login = auth.login({ username: "ada", password: "x" }, callerWith());
    await expectRefusal(login, Code.Unavailable, "OVERLOADED");
    await expectRefusal(auth.getJwks({}, callerWith()), Code.Unavailable, "OVERLOADED");
    expect(calls).toEqual({ login: 1, getJwks: 4 });
  });
});
