import { once } from "node:events";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { create, type Message } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import type { TranscodedStream } from "../../../services/gateway/transcode/call.js";
import type { CallStream } from "../../../services/gateway/transcode/serve-stream.js";
import { createTranscoder } from "../../../services/gateway/transcode/transcoder.js";
import { errors } from "../../../services/kit/errors.js";
import { until } from "../../support/until.js";
import { type Context, echo, messageOf, registry, serve, serviceOf, streaming } from "./fixture.js";
import { manualTimers } from "./manual-timers.js";

const everything = messageOf("Everything");
const tagged = (...tags: string[]) => create(everything, { tags } as never);
const bytes = (text: string, contentType = "text/csv") =>
  create(messageOf("google.api.HttpBody"), { contentType, data: Buffer.from(text) } as never);

const answering =
  (...steps: readonly (Message | Error)[]): CallStream<Context> =>
  async () =>
    streaming(
      (async function* () {
        for (const step of steps) {
          if (step instanceof Error) throw step;
          yield step;
        }
      })(),
      { etag: '"1"' },
      { "x-cost": "7" },
    );

/** Messages that the test sends one by one, and what the transcoder did with their source. */
function tap() {
  const queue: Message[] = [];
  const calls: TranscodedStream<Context>[] = [];
  const seen = { asked: 0, returned: 0 };
  let wake: () => void = () => undefined;
  const next = async (): Promise<IteratorResult<Message>> => {
    seen.asked += 1;
    while (queue.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return { done: false, value: queue.shift() as Message };
  };
  const iterator = {
    next,
    async return() {
      seen.returned += 1;
      return { done: true as const, value: undefined };
    },
  };
  return {
    calls,
    seen,
    send(message: Message) {
      queue.push(message);
      wake();
    },
    stream: (async (call) => {
      calls.push(call);
      return streaming({ [Symbol.asyncIterator]: () => iterator });
    }) satisfies CallStream<Context>,
  };
}

function open(port: number, target: string, headers = "") {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket
    .on("error", () => undefined)
    .on("data", (chunk) => {
      text += chunk;
    });
  socket.write(`GET ${target} HTTP/1.1\r\nhost: h\r\n${headers}\r\n`);
  return { socket, text: () => text };
}

const events = "accept: text/event-stream\r\n";
const gone = errors.agentNotFound({ id: "a" });
const goneProblem = {
  type: "https://consciousness.ai/problems/agent-not-found",
  status: 404,
  code: "NOT_FOUND",
  reason: "AGENT_NOT_FOUND",
  detail: "Agent a does not exist.",
  request_id: "r1",
};

describe("R35: a stream of messages", () => {
  it("is one line of JSON for each, without a wrapper", async () => {
    const answer = await (await serve({ stream: answering(tagged("a"), tagged("b\n")) })).send(
      "GET",
      "/v1/watch",
    );
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/x-ndjson",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-request-id": "r1",
      vary: "accept",
      etag: '"1"',
    });
    const lines = answer.text.split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe("");
    expect(lines.slice(0, 2).map((line) => JSON.parse(line))).toMatchObject([
      { tags: ["a"], text: "" },
      { tags: ["b\n"] },
    ]);
  });

  it("honours response_body in each message", async () => {
    const server = await serve({ stream: answering(tagged("a", "b"), tagged()) });
    expect((await server.send("GET", "/v1/watch/x/tags")).text).toBe('["a","b"]\n[]\n');
    const asEvents = await server.send("GET", "/v1/watch/x/tags", {
      headers: { accept: "text/event-stream" },
    });
    expect(asEvents.text).toBe('event: message\ndata: ["a","b"]\n\nevent: message\ndata: []\n\n');
  });

  it("is bound like any other request", async () => {
    const server = await serve();
    const answer = await server.send("POST", "/v1/watch/x?flag=true", { body: '{"name":"s"}' });
    expect(JSON.parse(answer.text)).toMatchObject({ text: "x", flag: true, shelf: { name: "s" } });
    expect((await server.send("GET", "/v1/watch?nope=1")).json).toMatchObject({ reason: "FIELD_UNKNOWN" });
  });

  it("may be empty", async () => {
    const answer = await (await serve({ stream: answering() })).send("GET", "/v1/watch");
    expect([answer.status, answer.text, answer.trailers]).toEqual([200, "", "x-cost: 7"]);
  });

  it("is told by its method's trailers behind the last message", async () => {
    const answer = await (await serve({ stream: answering(tagged()) })).send("GET", "/v1/watch");
    expect(answer.trailers).toBe("x-cost: 7");
  });

  it.each([
    ["", "application/x-ndjson"],
    ["*/*", "application/x-ndjson"],
    ["application/json", "application/x-ndjson"],
    ["text/event-stream", "text/event-stream"],
    ["TEXT/Event-Stream; charset=utf-8", "text/event-stream"],
    ["application/json, text/event-stream;q=0.5", "text/event-stream"],
    ["application/x-ndjson, text/event-stream", "text/event-stream"],
    ["application/x-ndjson, text/event-stream;q=0.9", "application/x-ndjson"],
    ["text/event-stream;q=0", "application/x-ndjson"],
    ["text/event-stream;q=x", "application/x-ndjson"],
  ])("for Accept %j is %s", async (accept, type) => {
    const answer = await (await serve()).send("GET", "/v1/watch", { headers: accept ? { accept } : {} });
    expect(answer.headers.get("content-type")).toBe(type);
  });
});

describe("R35: a failure", () => {
  it("before the first message has its own status", async () => {
    for (const stream of [answering(gone), async () => Promise.reject(gone)]) {
      const answer = await (await serve({ stream })).send("GET", "/v1/watch");
      expect(answer.status).toBe(404);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.json).toMatchObject(goneProblem);
    }
  });

  it("behind it is the last line", async () => {
    const answer = await (await serve({ stream: answering(tagged("a"), gone) })).send("GET", "/v1/watch");
    expect(answer.status).toBe(200);
    const [, last = "", rest] = answer.text.split("\n");
    expect(JSON.parse(last)).toMatchObject({ error: goneProblem });
    expect(rest).toBe("");
  });

  it("behind it is an event of its own", async () => {
    const server = await serve({ stream: answering(tagged("a"), gone) });
    const answer = await server.send("GET", "/v1/watch", { headers: { accept: "text/event-stream" } });
    const [message, error = "", rest] = answer.text.split("\n\n");
    expect(message).toMatch(/^event: message\ndata: \{/);
    expect(error).toMatch(/^event: error\ndata: \{/);
    expect(JSON.parse(error.slice("event: error\ndata: ".length))).toMatchObject(goneProblem);
    expect(rest).toBe("");
  });

  it("brings its metadata as trailers", async () => {
    const error = errors.agentNotFound({ id: "a" });
    error.metadata.set("x-why", "because");
    error.metadata.set("grpc-status", "5");
    const answer = await (await serve({ stream: answering(tagged(), error) })).send("GET", "/v1/watch");
    expect(answer.trailers).toBe("x-why: because");
  });

  it("that nobody foresaw is INTERNAL, without its text, and is reported", async () => {
    const failure = new Error("the password is x");
    const server = await serve({ stream: answering(tagged(), failure) });
    const answer = await server.send("GET", "/v1/watch");
    expect(JSON.parse(answer.text.split("\n")[1] ?? "")).toMatchObject({
      error: { status: 500, reason: "INTERNAL" },
    });
    expect(answer.text).not.toContain("password");
    expect(server.failures).toEqual([failure]);
  });

  it("of an iterator that throws instead of rejecting is caught too", async () => {
    const next = () => {
      throw gone;
    };
    const stream: CallStream<Context> = async () =>
      streaming({ [Symbol.asyncIterator]: () => ({ next }) as never });
    expect((await (await serve({ stream })).send("GET", "/v1/watch")).status).toBe(404);
  });
});

describe("R29: a stream of google.api.HttpBody", () => {
  it("is its bytes, with the first content type", async () => {
    const stream = answering(bytes("a,b\n"), bytes("1,2\n", "text/plain"));
    const answer = await (await serve({ stream })).send("GET", "/v1/export/x");
    expect([answer.status, answer.headers.get("content-type"), answer.text]).toEqual([
      200,
      "text/csv",
      "a,b\n1,2\n",
    ]);
  });

  it("does so as response_body, whatever is accepted", async () => {
    const file = create(messageOf("Upload"), { name: "n", file: bytes("x") } as never);
    const answer = await (await serve({ stream: answering(file, file) })).send("GET", "/v1/export-file/x", {
      headers: { accept: "text/event-stream" },
    });
    expect([answer.headers.get("content-type"), answer.text]).toEqual(["text/csv", "xx"]);
  });

  it("without any byte is empty", async () => {
    const answer = await (await serve({ stream: answering() })).send("GET", "/v1/export/x");
    expect([answer.headers.get("content-type"), answer.text]).toEqual(["application/octet-stream", ""]);
  });

  it("breaks off where it fails, so that nobody takes it for whole", async () => {
    const answer = await (await serve({ stream: answering(bytes("half"), gone) })).send(
      "GET",
      "/v1/export/x",
    );
    expect(answer.text).toBe("half[cut]");
  });
});

describe("R35: HEAD", () => {
  it("has the head alone, and the method hears that nobody reads on", async () => {
    const source = tap();
    const server = await serve({ stream: source.stream });
    source.send(tagged("a"));
    const answer = await server.send("HEAD", "/v1/watch");
    expect([answer.status, answer.headers.get("content-type"), answer.text]).toEqual([
      200,
      "application/x-ndjson",
      "",
    ]);
    expect(source.seen.returned).toBe(1);
    expect(source.calls[0]?.signal.aborted).toBe(true);
  });

  it("has the status of a failure", async () => {
    const answer = await (await serve({ stream: answering(gone) })).send("HEAD", "/v1/watch");
    expect([answer.status, answer.text]).toEqual([404, ""]);
  });

  it("of events does not wait for the first one for ever", async () => {
    const timers = manualTimers();
    const source = tap();
    const server = await serve({ stream: source.stream, options: { startTimer: timers.startTimer } });
    const answered = server.send("HEAD", "/v1/watch", { headers: { accept: "text/event-stream" } });
    await until(() => timers.pending().includes(15_000));
    timers.fire(15_000);
    expect(await answered).toMatchObject({ status: 200, text: "" });
    expect(source.calls[0]?.signal.aborted).toBe(true);
    expect(timers.pending()).toEqual([]);
  });
});

describe("a stream that goes on", () => {
  it("flushes each message", async () => {
    const source = tap();
    const { port } = await serve({ stream: source.stream });
    const client = open(port, "/v1/watch/x/tags");
    for (const tag of ["a", "b", "c"]) {
      source.send(tagged(tag));
      await until(() => client.text().includes(`["${tag}"]\n`));
    }
    client.socket.destroy();
  });

  it("of events says every 15 seconds that it lives, and only then", async () => {
    const timers = manualTimers();
    const source = tap();
    const { port } = await serve({ stream: source.stream, options: { startTimer: timers.startTimer } });
    const client = open(port, "/v1/watch/x/tags", events);
    await until(() => timers.pending().includes(15_000));
    expect(client.text()).toBe("");
    timers.fire(15_000);
    await until(() => client.text().includes(": keep-alive\n\n"));
    expect(client.text()).toContain("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n");
    timers.fire(15_000);
    await until(() => client.text().split(": keep-alive\n\n").length === 3);
    source.send(tagged("a"));
    await until(() => client.text().includes('data: ["a"]\n\n'));
    expect(timers.pending()).toEqual([15_000]);
    client.socket.destroy();
    await until(() => timers.pending().length === 0);
  });

  it("runs through ten minutes of silence, comment by comment", async () => {
    const timers = manualTimers();
    const source = tap();
    const { port } = await serve({ stream: source.stream, options: { startTimer: timers.startTimer } });
    const client = open(port, "/v1/watch/x/tags", events);
    await until(() => timers.pending().includes(15_000));
    for (let tick = 1; tick <= 40; tick++) timers.fire(15_000);
    source.send(tagged("still here"));
    await until(() => client.text().includes("still here"));
    expect(client.text().split(": keep-alive\n\n").length - 1).toBe(40);
    client.socket.destroy();
  });

  it("has no comments where it is lines", async () => {
    const timers = manualTimers();
    const source = tap();
    const { port } = await serve({ stream: source.stream, options: { startTimer: timers.startTimer } });
    const client = open(port, "/v1/watch");
    await until(() => source.seen.asked === 1);
    expect(timers.pending()).toEqual([]);
    client.socket.destroy();
  });

  it("waits for a client that reads slowly, and goes on when it does", async () => {
    const large = tagged("x".repeat(100_000));
    let made = 0;
    const total = 1000;
    const stream: CallStream<Context> = async () =>
      streaming(
        (async function* () {
          for (; made < total; made++) yield large;
        })(),
      );
    const { port } = await serve({ stream });
    const client = open(port, "/v1/watch/x/tags", "connection: close\r\n");
    let received = 0;
    client.socket.on("data", (chunk) => {
      received += chunk.length;
    });
    client.socket.pause();
    await until(() => made > 0);
    let before = -1;
    // As much as the sockets of both sides hold, and no more.
    await until(() => {
      const still = made === before;
      before = made;
      return still;
    });
    expect(made).toBeLessThan(total / 2);
    client.socket.resume();
    await once(client.socket, "close");
    expect(made).toBe(total);
    expect(received).toBeGreaterThan(total * 100_000);
  });

  it("sends a client away that does not read at all", async () => {
    const timers = manualTimers();
    const source = tap();
    const { port } = await serve({
      stream: source.stream,
      options: { startTimer: timers.startTimer, limits: { stalledMs: 77 } },
    });
    const client = open(port, "/v1/watch/x/tags");
    client.socket.pause();
    const large = tagged("x".repeat(1_000_000));
    for (let sent = 0; sent < 100; sent++) source.send(large);
    await until(() => timers.pending().includes(77));
    timers.fire(77);
    await until(() => source.seen.returned === 1);
    expect(source.calls[0]?.signal.aborted).toBe(true);
    expect(source.seen.asked).toBeLessThan(100);
    client.socket.destroy();
  });
});

describe("a client that goes away in mid-stream", () => {
  it("aborts the signal and ends the iteration, even while the method is silent", async () => {
    const source = tap();
    const { port } = await serve({ stream: source.stream });
    const client = open(port, "/v1/watch");
    source.send(tagged("a"));
    await until(() => source.seen.asked === 2);
    client.socket.destroy();
    await until(() => source.seen.returned === 1);
    expect(source.calls[0]?.signal.reason).toMatchObject({ rawMessage: "The caller cancelled the call." });
  });

  it("runs the clean-up of a generator", async () => {
    let cleaned = false;
    const stream: CallStream<Context> = async ({ signal }) =>
      streaming(
        (async function* () {
          try {
            for (let n = 0; ; n++) {
              yield tagged(`${n}`);
              await new Promise<void>((resolve) => {
                if (n < 3) resolve();
                else signal.addEventListener("abort", () => resolve());
              });
            }
          } finally {
            cleaned = true;
          }
        })(),
      );
    const { port } = await serve({ stream });
    const client = open(port, "/v1/watch/x/tags");
    await until(() => client.text().includes('["3"]'));
    client.socket.destroy();
    await until(() => cleaned);
  });

  it("does not stay in memory for a method that never answers", async () => {
    const signals: AbortSignal[] = [];
    const server = await serve({
      stream: ({ signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    const client = open(server.port, "/v1/watch");
    await until(() => signals.length === 1);
    client.socket.destroy();
    await until(() => signals[0]?.aborted);
    expect(server.failures).toEqual([]);
  });
});

describe("over HTTP/2", () => {
  async function session(stream: CallStream<Context>) {
    const transcoder = createTranscoder<Context>({
      services: [serviceOf("Fixture")],
      call: echo,
      stream,
      options: { requestId: ({ id }) => id, registry },
    });
    const server = createHttp2Server(
      (request, response) => void transcoder.handle(request, response, { id: "r1" }),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => {
      client.destroy();
      server.close();
    });
    return client;
  }

  it("streams with trailers", async () => {
    const client = await session(answering(tagged("a"), tagged("b")));
    const stream = client.request({ ":path": "/v1/watch/x/tags" });
    let trailers: unknown;
    stream.on("trailers", (received) => {
      trailers = received;
    });
    let text = "";
    for await (const chunk of stream) text += chunk;
    expect(text).toBe('["a"]\n["b"]\n');
    expect(trailers).toMatchObject({ "x-cost": "7" });
  });

  it("resets a stream of bytes that fails", async () => {
    const client = await session(answering(bytes("half"), gone));
    const stream = client.request({ ":path": "/v1/export/x" }).resume();
    const [error] = await once(stream, "error");
    expect(error).toMatchObject({ message: "Stream closed with error code NGHTTP2_INTERNAL_ERROR" });
  });

  it("hears of a reset", async () => {
    const source = tap();
    const client = await session(source.stream);
    source.send(tagged("a"));
    const stream = client.request({ ":path": "/v1/watch" }).on("error", () => undefined);
    await once(stream, "data");
    stream.close(8);
    await until(() => source.seen.returned === 1);
    expect(source.calls[0]?.signal.aborted).toBe(true);
  });

  it("answers HEAD", async () => {
    const source = tap();
    const client = await session(source.stream);
    source.send(tagged("a"));
    const stream = client.request({ ":path": "/v1/watch", ":method": "HEAD" });
    const [headers] = await once(stream, "response");
    expect(headers[":status"]).toBe(200);
    await until(() => source.seen.returned === 1);
  });
});

describe("a method that streams both ways", () => {
  it("is refused over plain HTTP", async () => {
    const server = await serve();
    expect((await server.send("POST", "/v1/chat", { body: "{}" })).json).toMatchObject({
      status: 501,
      code: "UNIMPLEMENTED",
      reason: "STREAM_UNSUPPORTED",
      detail:
        "fixture.v1.Fixture.Chat streams in a way that plain HTTP does not carry; call it over gRPC or Connect.",
    });
    expect(server.rejections).toMatchObject([{ route: "/v1/chat", method: { name: "Chat" } }]);
  });

  it("shares that with every stream where the transcoder was given no way to call them", async () => {
    const server = await serve({ stream: null });
    expect((await server.send("GET", "/v1/watch")).json).toMatchObject({ reason: "STREAM_UNSUPPORTED" });
  });
});
