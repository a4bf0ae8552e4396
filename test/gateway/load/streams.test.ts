import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { TranscodedStream } from "../../../services/gateway/transcode/call.js";
import type { CallStream } from "../../../services/gateway/transcode/serve-stream.js";
import { createTranscoder } from "../../../services/gateway/transcode/transcoder.js";
import { type Listener, listen } from "../../../services/kit/serve/listen.js";
import { until } from "../../support/until.js";
import { type Context, echo, messageOf, only, registry, serviceOf, streaming } from "../transcode/fixture.js";
import { manualTimers } from "../transcode/manual-timers.js";
import { openHandles, peakMegabytes, settledMegabytes } from "./memory.js";

const everything = messageOf("Everything");
const tagged = (tag: string) => create(everything, { tags: [tag] } as never);
const uploadBytes = 50 * 1024 * 1024;
const clients = 1000;

const open = { now: 0, ended: 0 };
const timers = manualTimers();
let listener: Listener;
let url: string;

/** Downloads of as many messages as the path says, or of one and then silence; uploads are counted. */
const stream: CallStream<Context> = async (call) => {
  if (call.method.methodKind === "client_streaming") return streaming(only(await counted(call)));
  for await (const message of call.input)
    return streaming(messages((message as unknown as { text: string }).text, call.signal));
  throw new Error("no request");
};

async function counted({ method, input }: TranscodedStream<Context>) {
  let bytes = 0;
  let parts = 0;
  for await (const message of input) {
    const { file, text } = message as unknown as { file?: { data: Uint8Array }; text?: string };
    bytes += file?.data.length ?? text?.length ?? 0;
    parts += 1;
  }
  return create(
    method.output,
    (method.name === "Import" ? { small: parts, text: `${bytes}` } : { name: `${bytes}` }) as never,
  );
}

async function* messages(text: string, signal: AbortSignal) {
  open.now += 1;
  try {
    if (text === "silent") {
      yield tagged("x".repeat(10_000));
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    } else for (let sent = 0; sent < Number(text); sent++) yield tagged(`${sent}`);
  } finally {
    open.now -= 1;
    open.ended += 1;
  }
}

beforeAll(async () => {
  const transcoder = createTranscoder<Context>({
    services: [serviceOf("Fixture")],
    call: echo,
    stream,
    options: { requestId: ({ id }) => id, registry, startTimer: timers.startTimer },
  });
  listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: (request, response) => {
      if (!transcoder.handle(request, response, { id: "r1" })) response.end();
    },
  });
  url = `http://127.0.0.1:${listener.port}`;
});

beforeEach(() => {
  Object.assign(open, { now: 0, ended: 0 });
});

afterAll(() => listener.drain(0));

async function upload(path: string, chunk: Uint8Array, headers: Record<string, string> = {}) {
  const request = httpRequest(`${url}${path}`, {
    method: "POST",
    headers: { connection: "close", ...headers },
  });
  const answered = once(request, "response");
  for (let sent = 0; sent < uploadBytes; sent += chunk.length) {
    if (!request.write(chunk)) await once(request, "drain");
  }
  request.end();
  const [response] = await answered;
  let text = "";
  for await (const data of response) text += data;
  return JSON.parse(text);
}

/** Runs once to warm up, then again: what stays must not grow, and what is in use meanwhile stays bounded. */
async function returns(run: () => Promise<void>): Promise<void> {
  await run();
  const before = await settledMegabytes();
  const handles = openHandles();
  const highest = await peakMegabytes(run);
  expect(highest - before).toBeLessThan(100);
  await until(() => listener.connections === 0);
  // Connections that ended are let go of at the next look for those that rest.
  await expect.poll(async () => (await settledMegabytes()) - before, { timeout: 10_000 }).toBeLessThan(5);
  await until(() => openHandles() <= handles);
  expect(timers.pending()).toEqual([]);
}

describe("memory returns to where it was", () => {
  it("after an upload of 50 MB in bytes", async () => {
    await returns(async () => {
      const answer = await upload("/v1/import-file/large", new Uint8Array(65_536));
      expect(answer).toMatchObject({ name: `${uploadBytes}` });
    });
  });

  it("after an upload of 50 MB in lines", async () => {
    const line = `{"text":"${"x".repeat(1013)}"}\n`;
    await returns(async () => {
      const answer = await upload("/v1/import", Buffer.from(line.repeat(64)), {
        "content-type": "application/x-ndjson",
      });
      expect(answer).toMatchObject({ small: uploadBytes / 1024, text: `${(uploadBytes / 1024) * 1013}` });
    });
  });

  it("after an upload of 50 MB to a method that takes none: refused at once, and thrown away", async () => {
    await returns(async () => {
      const socket = connect(listener.port, "127.0.0.1");
      let answer = "";
      socket
        .on("error", () => undefined)
        .on("data", (data) => {
          answer += data;
        });
      socket.write(`POST /v1/everything HTTP/1.1\r\nhost: h\r\ncontent-length: ${uploadBytes}\r\n\r\n`);
      await until(() => answer.includes("BODY_TOO_LARGE"));
      timers.fire(2000);
      await once(socket, "close");
    });
  });

  it("after a stream of 300,000 messages", async () => {
    await returns(async () => {
      const request = httpRequest(`${url}/v1/watch/300000/tags`, { headers: { connection: "close" } }).end();
      const [response] = await once(request, "response");
      let lines = 0;
      for await (const chunk of response) lines += chunk.toString().split("\n").length - 1;
      expect(lines).toBe(300_000);
    });
  });

  it("after a stream of ten minutes of events, told by the timers", async () => {
    const socket = connect(listener.port, "127.0.0.1");
    let comments = 0;
    socket.on("data", (data) => {
      comments += data.toString().split(": keep-alive\n\n").length - 1;
    });
    socket.write("GET /v1/watch/silent/tags HTTP/1.1\r\nhost: h\r\naccept: text/event-stream\r\n\r\n");
    await until(() => timers.pending().includes(15_000));
    const before = await settledMegabytes();
    for (let tick = 1; tick <= 40; tick++) {
      timers.fire(15_000);
      await until(() => comments === tick);
      expect(timers.pending()).toEqual([15_000]);
    }
    expect((await settledMegabytes()) - before).toBeLessThan(1);
    socket.destroy();
    await until(() => open.now === 0);
    expect(timers.pending()).toEqual([]);
  });

  it(`after ${clients} clients that vanish in mid-stream`, async () => {
    await returns(async () => {
      Object.assign(open, { now: 0, ended: 0 });
      const sockets: Socket[] = Array.from({ length: clients }, () => connect(listener.port, "127.0.0.1"));
      for (const [index, socket] of sockets.entries()) {
        // Half of them read nothing at all.
        if (index % 2 === 0) socket.resume();
        socket.on("error", () => undefined).write("GET /v1/watch/silent/tags HTTP/1.1\r\nhost: h\r\n\r\n");
      }
      await vi.waitUntil(() => open.now === clients, { timeout: 30_000 });
      for (const [index, socket] of sockets.entries())
        index % 3 === 0 ? socket.resetAndDestroy() : socket.destroy();
      await vi.waitUntil(() => open.ended === clients, { timeout: 30_000 });
      await until(() => listener.connections === 0);
      expect(open.now).toBe(0);
    });
  });

  it(`after ${clients} clients that vanish in mid-upload`, async () => {
    await returns(async () => {
      const sockets: Socket[] = Array.from({ length: clients }, () => connect(listener.port, "127.0.0.1"));
      for (const socket of sockets) {
        socket.on("error", () => undefined);
        socket.write(
          "POST /v1/import HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{}\n\r\n",
        );
      }
      await vi.waitUntil(() => timers.pending().length === clients, { timeout: 30_000 });
      for (const socket of sockets) socket.destroy();
      await vi.waitUntil(() => timers.pending().length === 0, { timeout: 30_000 });
    });
  });

  it(`after ${clients} streams of HTTP/2 whose sessions vanish`, async () => {
    await returns(async () => {
      Object.assign(open, { now: 0, ended: 0 });
      const sessions = Array.from({ length: clients / 100 }, () =>
        connectHttp2(url).on("error", () => undefined),
      );
      for (const session of sessions) {
        for (let count = 0; count < 100; count++) {
          session
            .request({ ":path": "/v1/watch/silent/tags" })
            .on("error", () => undefined)
            .resume();
        }
      }
      await vi.waitUntil(() => open.now === clients, { timeout: 30_000 });
      for (const session of sessions) session.destroy();
      await vi.waitUntil(() => open.ended === clients, { timeout: 30_000 });
      expect(open.now).toBe(0);
    });
  });
});
