import { once } from "node:events";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { TranscodedCall } from "../../../services/gateway/transcode/call.js";
import { createTranscoder } from "../../../services/gateway/transcode/transcoder.js";
import { errors } from "../../../services/kit/errors.js";
import { until } from "../../support/until.js";
import { type Context, echo, exchange, listen, parseAnswer, registry, serve, serviceOf } from "./fixture.js";
import { manualTimers } from "./manual-timers.js";

const post = (headers: string) => `POST /v1/everything HTTP/1.1\r\nhost: h\r\n${headers}\r\n\r\n`;

describe("limits", () => {
  it("admits a body of just the limit and refuses one byte more", async () => {
    const server = await serve({ options: { limits: { bodyBytes: 12 } } });
    expect((await server.send("POST", "/v1/everything", { body: '{"text":"a"}' })).status).toBe(200);
    const answer = await server.send("POST", "/v1/everything", { body: '{"text":"ab"}' });
    expect(answer.json).toMatchObject({
      status: 413,
      code: "RESOURCE_EXHAUSTED",
      reason: "BODY_TOO_LARGE",
      detail: "The body is larger than 12 bytes.",
    });
    expect(server.rejections).toMatchObject([{ reason: "BODY_TOO_LARGE", status: 413 }]);
  });

  it("refuses a chunked body as soon as it is too large, and lets the client finish sending", async () => {
    const server = await serve({ options: { limits: { bodyBytes: 1000 } } });
    const chunk = `3e8\r\n${"x".repeat(1000)}\r\n`;
    const raw = await exchange(
      server.port,
      `${post("transfer-encoding: chunked")}${chunk.repeat(50)}0\r\n\r\n`,
    );
    const answer = parseAnswer(raw);
    expect(answer.json).toMatchObject({ status: 413, reason: "BODY_TOO_LARGE" });
    expect(answer.headers.get("connection")).toBe("close");
  });

  it("stops taking in the body of a refused request after a while", async () => {
    const timers = manualTimers();
    const server = await serve({
      options: { startTimer: timers.startTimer, limits: { bodyBytes: 10, lingerMs: 77 } },
    });
    const answered = exchange(server.port, post("content-length: 100"));
    await until(() => timers.pending().includes(77));
    timers.fire(77);
    expect(parseAnswer(await answered).status).toBe(413);
  });

  it("refuses a body that does not arrive in time", async () => {
    const timers = manualTimers();
    const server = await serve({
      options: { startTimer: timers.startTimer, limits: { bodyMs: 55, lingerMs: 77 } },
    });
    const answered = exchange(server.port, `${post("content-length: 100")}{`);
    await until(() => timers.pending().includes(55));
    timers.fire(55);
    await until(() => timers.pending().includes(77));
    timers.fire(77);
    expect(parseAnswer(await answered).json).toMatchObject({
      status: 408,
      code: "DEADLINE_EXCEEDED",
      reason: "BODY_TIMEOUT",
      detail: "Too little of the body arrived within 55 ms.",
    });
    expect(timers.pending()).toEqual([]);
  });

  it("leaves no timer behind after a body", async () => {
    const timers = manualTimers();
    const server = await serve({ options: { startTimer: timers.startTimer } });
    expect((await server.send("POST", "/v1/everything", { body: "{}" })).status).toBe(200);
    expect(timers.pending()).toEqual([]);
  });

  it("refuses a URL beyond the limit, where a route has its path", async () => {
    const server = await serve({ options: { limits: { urlLength: 30 } } });
    expect((await server.send("GET", `/v1/text/${"a".repeat(21)}`)).status).toBe(200);
    const answer = await server.send("GET", `/v1/text/${"a".repeat(22)}`);
    expect(answer.json).toMatchObject({
      status: 414,
      reason: "URL_TOO_LONG",
      detail: "The URL is longer than 30 characters.",
    });
    expect((await server.send("GET", `/elsewhere/${"a".repeat(30)}`)).text).toBe("no route");
  });

  it("refuses too many parameters and too deep ones", async () => {
    const server = await serve({ options: { limits: { queryParameters: 2, depth: 3 } } });
    expect((await server.send("GET", "/v1/everything?tags=a&tags=b")).status).toBe(200);
    const many = await server.send("GET", "/v1/everything?tags=a&tags=b&tags=c");
    expect(many.json).toMatchObject({
      reason: "PARAMETER_INVALID",
      detail: "query: has more than 2 parameters.",
    });
    expect((await server.send("GET", "/v1/everything?shelf.inner.name=a")).status).toBe(200);
    const deep = await server.send("GET", "/v1/everything?shelf.inner.inner.name=a");
    expect(deep.json).toMatchObject({ detail: "shelf.inner.inner.name: is nested deeper than 3 fields." });
  });

  it("admits nesting up to the limit", async () => {
    const server = await serve({ options: { limits: { depth: 5 } } });
    const nested = (depth: number) => ({
      body: `{"any_json":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`,
    });
    expect((await server.send("POST", "/v1/everything", nested(5))).status).toBe(200);
    expect((await server.send("POST", "/v1/everything", nested(6))).json).toMatchObject({
      reason: "BODY_MALFORMED",
    });
  });
});

describe("a client that goes away", () => {
  it("aborts the call's signal", async () => {
    const reasons: unknown[] = [];
    const server = await serve({
      call: (call) =>
        new Promise((_, reject) => {
          call.signal.addEventListener("abort", () => {
            reasons.push(call.signal.reason);
            reject(call.signal.reason);
          });
        }),
    });
    const socket = connect(server.port, "127.0.0.1");
    socket.write("GET /v1/hang HTTP/1.1\r\nhost: h\r\n\r\n");
    await until(() => server.seen.length === 1);
    socket.destroy();
    await until(() => reasons.length === 1);
    expect(reasons).toMatchObject([{ rawMessage: "The caller cancelled the call." }]);
    expect(server.failures).toEqual([]);
  });

  it("aborts a signal that is first read afterwards", async () => {
    const calls: TranscodedCall<Context>[] = [];
    const closed: boolean[] = [];
    const transcoder = createTranscoder<Context>({
      services: [serviceOf("Fixture")],
      call: (call) => {
        calls.push(call);
        return new Promise(() => undefined);
      },
      options: { requestId: ({ id }) => id },
    });
    const port = await listen((request, response) => {
      response.once("close", () => closed.push(true));
      void transcoder.handle(request, response, { id: "r1" });
    });
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /v1/hang HTTP/1.1\r\nhost: h\r\n\r\n");
    await until(() => calls.length === 1);
    socket.destroy();
    await until(() => closed.length === 1);
    expect(calls[0]?.signal.aborted).toBe(true);
  });

  it("in the middle of its body is a rejection, and nothing is called", async () => {
    const server = await serve();
    const socket = connect(server.port, "127.0.0.1");
    socket.write(`${post("content-length: 100")}{`);
    await once(socket, "connect");
    setImmediate(() => socket.destroy());
    await until(() => server.rejections.length === 1);
    expect(server.rejections).toMatchObject([{ reason: "CANCELED", status: 499 }]);
    expect(server.seen).toEqual([]);
  });

  it("does not abort the signal of an answered call", async () => {
    const server = await serve({
      call: (call) => {
        expect(call.signal.aborted).toBe(false);
        return echo(call);
      },
    });
    expect((await server.send("GET", "/v1/everything")).status).toBe(200);
    expect(server.seen[0]?.call.signal.aborted).toBe(false);
  });
});

describe("the transcoder", () => {
  it("refuses on the edge's behalf, in the same form and counted once", async () => {
    const rejected: unknown[] = [];
    const transcoder = createTranscoder<Context>({
      services: [],
      call: echo,
      options: { requestId: ({ id }) => id, onReject: (rejection) => rejected.push(rejection) },
    });
    const port = await listen((request, response) => {
      transcoder.refuse(request, response, { id: "r9" }, errors.routeNotFound({ path: "/x" }));
    });
    const raw = await exchange(port, "GET /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    expect(parseAnswer(raw).json).toMatchObject({
      status: 404,
      reason: "ROUTE_NOT_FOUND",
      detail: "There is no route for /x.",
      request_id: "r9",
    });
    expect(rejected).toMatchObject([
      { httpMethod: "GET", route: undefined, status: 404, reason: "ROUTE_NOT_FOUND" },
    ]);
  });

  it("serves HTTP/2 too", async () => {
    const transcoder = createTranscoder<Context>({
      services: [serviceOf("Fixture")],
      call: echo,
      options: { requestId: ({ id }) => id, registry, limits: { bodyBytes: 20 } },
    });
    const http2 = createHttp2Server(
      (request, response) => void transcoder.handle(request, response, { id: "r2" }),
    );
    http2.listen(0, "127.0.0.1");
    await once(http2, "listening");
    const client = connectHttp2(`http://127.0.0.1:${(http2.address() as AddressInfo).port}`);
    onTestFinished(() => {
      client.destroy();
      http2.close();
    });
    const ask = async (method: string, path: string, body = "") => {
      const stream = client.request({ ":method": method, ":path": path });
      if (method === "POST") stream.end(body);
      const [headers] = await once(stream, "response");
      let text = "";
      for await (const chunk of stream) text += chunk;
      return [headers[":status"], text === "" ? "" : JSON.parse(text)];
    };
    expect(await ask("POST", "/v1/tags", '["a"]')).toEqual([200, ["a"]]);
    expect(await ask("GET", "/v1/text/a%2Fb")).toMatchObject([200, { text: "a/b" }]);
    expect(await ask("HEAD", "/v1/text/a")).toEqual([200, ""]);
    expect(await ask("POST", "/v1/everything", `{"text":"${"a".repeat(99)}"}`)).toMatchObject([
      413,
      { status: 413 },
    ]);
  });

  it("answers 500 where an answer cannot be made, and tells of it", async () => {
    const bug = new Error("a bug");
    const options = {
      onReject: () => {
        throw bug;
      },
    };
    const server = await serve({ options });
    const { status, text } = await server.send("GET", "/v1/everything?nothing=1");
    expect([status, text, server.failures]).toEqual([500, "", [bug]]);
  });

  it("lists its routes", () => {
    const { routes } = createTranscoder<Context>({
      services: [serviceOf("Fixture")],
      call: echo,
      options: { requestId: ({ id }) => id },
    });
    expect(routes).toContainEqual({
      method: expect.objectContaining({ name: "ByText" }),
      httpMethod: "GET",
      template: "/v1/text/{text}",
    });
    expect(routes.some(({ method }) => method.name === "Hidden")).toBe(false);
  });
});
