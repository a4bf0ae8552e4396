import { once } from "node:events";
import { connect } from "node:net";
import { createClient, type Interceptor, type MethodImpl } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, it, onTestFinished } from "vitest";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { forward } from "../../services/gateway/forward.js";
import { restHandler } from "../../services/gateway/rest.js";
import { checkCaller } from "../../services/kit/chain/caller.js";
import { planChain } from "../../services/kit/chain/chain.js";
import { observe } from "../../services/kit/chain/observe.js";
import { translateErrors } from "../../services/kit/chain/translate-errors.js";
import { systemClock } from "../../services/kit/clock.js";
import { resolveContract } from "../../services/kit/contract/method.js";
import { errors } from "../../services/kit/errors.js";
import { createEndpoint } from "../../services/kit/serve/endpoint.js";
import { listen } from "../../services/kit/serve/listen.js";
import { defaultRequestLimits } from "../../services/kit/serve/request-limits.js";
import { recordedLog, recordedMetrics } from "../kit/chain/calls.js";
import { peers } from "../kit/peers/callee.js";
import { type Watch, type WatchedPeer, watched, watchedHere } from "../kit/peers/watched.js";
import { until } from "../support/until.js";

/** The edge before a workload in the same process. */
async function edge(watch: Watch) {
  const { log, lines } = recordedLog();
  const { metrics } = recordedMetrics();
  const implementation = forward(watched, peers(Workload.GATEWAY, { local: watchedHere(watch) })(watched));
  const { methods: contracts } = resolveContract([watched]);
  const plans = planChain(contracts, [
    observe({ workload: Workload.GATEWAY, log, metrics, clock: systemClock, trustRequestId: false }),
    translateErrors,
    checkCaller(() => Workload.GATEWAY),
  ]);
  const methods = watched.methods.map((method) => ({
    method,
    plan: plans.get(method) as Interceptor,
    handler: implementation.handlers[method.localName] as MethodImpl<typeof method>,
  }));
  const common = { limits: { ...defaultRequestLimits, bodyBytes: 65_536 }, log };
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: createEndpoint({
      ...common,
      implementations: [implementation],
      plans,
      rest: restHandler({
        ...common,
        services: [watched],
        methods,
        contracts,
        workload: "gateway",
        fastPath: false,
      }),
      trust: { proxyHops: 0, mesh: false, internal: false },
      metrics,
    }),
  });
  onTestFinished(() => listener.drain(0));
  const line = async () => {
    await until(() => lines.some(({ metadata }) => metadata.method === "odd.v1.OddService/Watch"));
    return lines.find(({ metadata }) => metadata.method === "odd.v1.OddService/Watch");
  };
  return { port: listener.port, url: `http://127.0.0.1:${listener.port}`, line };
}

const two: Watch = async function* ({ text }) {
  yield { text };
  if (text === "late") throw errors.agentNotFound({ id: "a" });
  yield { text: "b" };
};

it("a stream passes the edge over REST, and is one line of the log when it ends", async () => {
  const { url, line } = await edge(two);
  const answer = await fetch(`${url}/api/v1/watch/a`);
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  const text = await answer.text();
  const texts = text.split("\n").map((line) => line !== "" && JSON.parse(line).text);
  expect(texts).toEqual(["a", "b", false]);
  expect(await line()).toMatchObject({
    message: "call served",
    metadata: { request_id: answer.headers.get("x-request-id") },
  });
});

it("an error behind the first message reaches the client and the log", async () => {
  const { url, line } = await edge(two);
  const [, last = ""] = (await (await fetch(`${url}/api/v1/watch/late`)).text()).split("\n");
  expect(JSON.parse(last)).toMatchObject({ error: { status: 404, reason: "AGENT_NOT_FOUND" } });
  expect(await line()).toMatchObject({ message: "call refused", metadata: { reason: "AGENT_NOT_FOUND" } });
});

it("what the workload refuses before its first message has its own status", async () => {
  const { url } = await edge(two);
  const answer = await fetch(`${url}/api/v1/watch/more-than-ten`);
  expect([answer.status, await answer.json()]).toMatchObject([400, { reason: "VALIDATION_FAILED" }]);
});

it("the same stream passes over Connect", async () => {
  const { url } = await edge(two);
  const client = createClient(watched, createConnectTransport({ baseUrl: url, httpVersion: "1.1" }));
  const texts: string[] = [];
  for await (const { text } of (client as unknown as WatchedPeer).watch({ text: "a" }, {} as never))
    texts.push(text);
  expect(texts).toEqual(["a", "b"]);
});

it("a handler that ignores its signal is cut off when the client stops waiting", async () => {
  const { url } = await edge(async function* ({ text }) {
    if (text === "late") yield { text };
    await new Promise(() => undefined);
  });
  const headers = { "x-timeout-ms": "100" };
  const early = await fetch(`${url}/api/v1/watch/a`, { headers });
  const problem = { status: 504, reason: "DEADLINE_EXCEEDED", detail: "No answer within 100 ms." };
  expect([early.status, await early.json()]).toMatchObject([504, problem]);
  const late = await (await fetch(`${url}/api/v1/watch/late`, { headers })).text();
  expect(JSON.parse(late.split("\n")[1] ?? "")).toMatchObject({ error: problem });
});

it("a time that is long enough changes nothing", async () => {
  const { url } = await edge(two);
  const answer = await fetch(`${url}/api/v1/watch/a`, { headers: { "x-timeout-ms": "60000" } });
  expect((await answer.text()).split("\n")).toHaveLength(3);
});

it("the workload hears that the client of the edge has gone", async () => {
  let ended = false;
  const { port, line } = await edge(async function* (_, { signal }) {
    yield { text: "a" };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    ended = true;
  });
  const socket = connect(port, "127.0.0.1");
  socket.write("GET /api/v1/watch/a HTTP/1.1\r\nhost: h\r\nx-timeout-ms: 60000\r\n\r\n");
  await once(socket, "data");
  socket.destroy();
  await until(() => ended);
  expect(await line()).toMatchObject({ metadata: { reason: "CANCELED" } });
});
