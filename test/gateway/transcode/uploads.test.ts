import { once } from "node:events";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { create, type Message, toJson } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import type { TranscodedStream } from "../../../services/gateway/transcode/call.js";
import type { CallStream } from "../../../services/gateway/transcode/serve-stream.js";
import { createTranscoder } from "../../../services/gateway/transcode/transcoder.js";
import { errors } from "../../../services/kit/errors.js";
import { until } from "../../support/until.js";
import {
  type Context,
  echo,
  echoStream,
  exchange,
  messageOf,
  only,
  parseAnswer,
  registry,
  type ServeOptions,
  serve,
  serviceOf,
  streaming,
} from "./fixture.js";
import { manualTimers } from "./manual-timers.js";

/** Collects the messages of uploads as JSON, and answers the number of them. */
function collector() {
  const seen: unknown[] = [];
  const calls: TranscodedStream<Context>[] = [];
  const stream: CallStream<Context> = async (call) => {
    calls.push(call);
    for await (const message of call.input) {
      seen.push(toJson(call.method.input, message, { registry, useProtoFieldName: true }));
    }
    return streaming(only(create(call.method.output, numbered(call, seen.length) as never)));
  };
  return { seen, calls, stream };
}

function numbered({ method }: TranscodedStream<Context>, count: number): object {
  return method.output.typeName === "fixture.v1.Everything" ? { small: count } : {};
}

async function collecting(options: Omit<ServeOptions, "stream"> = {}) {
  const { seen, calls, stream } = collector();
  return { seen, calls, server: await serve({ stream, ...options }) };
}

const ndjson = { "content-type": "application/x-ndjson" };
const head = (path: string, headers = "") =>
  `POST ${path} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\nconnection: close\r\n${headers}\r\n`;
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

function open(port: number, bytes: string) {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket
    .on("error", () => undefined)
    .on("data", (data) => {
      text += data;
    });
  socket.write(bytes);
  return { socket, text: () => text, closed: once(socket, "close") };
}

describe("R35: an upload of lines", () => {
  it.each([
    ["one for each message", '{"text":"a"}\n{"text":"b"}\n', [{ text: "a" }, { text: "b" }]],
    ["without a last line break", '{"text":"a"}\n{"text":"b"}', [{ text: "a" }, { text: "b" }]],
    [
      "with carriage returns and blank lines",
      '\r\n{"text":"a"}\r\n\n  \t\n{"text":"b"}\r\n ',
      [{ text: "a" }, { text: "b" }],
    ],
    ["of 64 bits", '{"big":9007199254740993}\n', [{ big: "9007199254740993" }]],
    ["that is empty", "", []],
    ["of nothing but line breaks", "\n\r\n", []],
  ])("%s", async (_, body, messages) => {
    const { seen, server } = await collecting();
    const answer = await server.send("POST", "/v1/import", { body, headers: ndjson });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(answer.json).toMatchObject({ small: messages.length });
    expect(seen).toEqual(messages);
  });

  it("gets path and query into each message, and the body's field from its line", async () => {
    const { seen, server } = await collecting();
    const body = '{"name":"a"}\n{"name":"b"}\n';
    await server.send("POST", "/v1/import/x%2Fy?flag=true&tags=1&tags=2", { body, headers: ndjson });
    const common = { text: "x/y", flag: true, tags: ["1", "2"] };
    expect(seen).toEqual([
      { ...common, shelf: { name: "a" } },
      { ...common, shelf: { name: "b" } },
    ]);
  });

  it("is one message of path and query where the route has no body", async () => {
    const { seen, server } = await collecting();
    expect((await server.send("POST", "/v1/import-none/x?small=3")).status).toBe(200);
    expect(seen).toEqual([{ text: "x", small: 3 }]);
  });

  it("may come in any pieces", async () => {
    const { seen, server } = await collecting();
    const body = Buffer.from('{"text":"é€"}\n{"text":"b"}\n');
    const pieces = [...body].map((byte) =>
      Buffer.concat([Buffer.from("1\r\n"), Buffer.from([byte]), Buffer.from("\r\n")]),
    );
    const raw = await exchange(
      server.port,
      Buffer.concat([Buffer.from(head("/v1/import")), ...pieces, Buffer.from("0\r\n\r\n")]),
    );
    expect(parseAnswer(raw).status).toBe(200);
    expect(seen).toEqual([{ text: "é€" }, { text: "b" }]);
  });

  it.each(["application/x-ndjson", "application/ndjson; charset=utf-8", "application/jsonl"])(
    "may be %s",
    async (type) => {
      const { server } = await collecting();
      const answer = await server.send("POST", "/v1/import", {
        body: "{}\n",
        headers: { "content-type": type },
      });
      expect(answer.status).toBe(200);
    },
  );

  it.each([
    [
      { "content-type": "application/json" },
      "The body's type application/json is not supported here; send application/x-ndjson.",
    ],
    [
      { "content-type": "application/x-ndjson; charset=latin1" },
      "The body's type application/x-ndjson; charset=latin1 is not supported here; send UTF-8.",
    ],
    [
      { ...ndjson, "content-encoding": "gzip" },
      "The body's type with the coding gzip is not supported here; send it uncompressed.",
    ],
  ])("of %j is refused before the call", async (headers, detail) => {
    const { calls, server } = await collecting();
    const answer = await server.send("POST", "/v1/import", {
      body: "{}\n",
      headers: headers as Record<string, string>,
    });
    expect(answer.json).toMatchObject({ status: 415, reason: "MEDIA_TYPE_UNSUPPORTED", detail });
    expect(calls).toEqual([]);
  });

  it.each([
    ["/v1/import?text=a", "PARAMETER_INVALID"],
    ["/v1/import/x?nope=a", "FIELD_UNKNOWN"],
    ["/v1/import/%zz", "URL_MALFORMED"],
  ])("to %s is refused before the call", async (target, reason) => {
    const { calls, server } = await collecting();
    expect((await server.send("POST", target, { body: "", headers: ndjson })).json).toMatchObject({ reason });
    expect(calls).toEqual([]);
  });

  it.each([
    [
      "{]",
      "BODY_MALFORMED",
      "The body cannot be read: message 2: expected a name in quotes at line 1, column 2.",
    ],
    [
      '{"small":"x"}',
      "BODY_MALFORMED",
      "The body cannot be read: message 2: small must be a whole number from -2147483648 to 2147483647.",
    ],
    ["ÿ", "BODY_MALFORMED", "The body cannot be read: message 2: it is not UTF-8."],
    ['{"smal":1}', "FIELD_UNKNOWN", 'There is no field smal. Did you mean "small"?'],
  ])("whose second line is %s is refused by what is wrong with it", async (line, reason, detail) => {
    const { seen, server } = await collecting();
    const body = Buffer.from(`{"text":"a"}\n${line}\n{"text":"c"}\n`, "latin1");
    const answer = await server.send("POST", "/v1/import", { body, headers: ndjson });
    expect(answer.json).toMatchObject({ status: 400, reason, detail });
    expect(seen).toEqual([{ text: "a" }]);
  });

  it("keeps its own error, whatever the method makes of it", async () => {
    const stream: CallStream<Context> = async ({ input }) => {
      try {
        for await (const _ of input);
      } catch {
        throw errors.internal(new Error("lost"));
      }
      return streaming(only());
    };
    const server = await serve({ stream });
    const answer = await server.send("POST", "/v1/import", { body: "{]\n", headers: ndjson });
    expect(answer.json).toMatchObject({ status: 400, reason: "BODY_MALFORMED" });
  });

  it("has the method's own error else", async () => {
    const server = await serve({ stream: async () => Promise.reject(errors.agentNotFound({ id: "a" })) });
    expect((await server.send("POST", "/v1/import", { body: "{}\n", headers: ndjson })).status).toBe(404);
  });

  it.each([
    ["nothing", []],
    ["twice", [{}, {}]],
  ])("that is answered %s is our fault", async (_, answers) => {
    const messages = answers.map((fields) => create(messageOf("Everything"), fields));
    const server = await serve({ stream: async () => streaming(only(...messages)) });
    expect((await server.send("POST", "/v1/import", { headers: ndjson })).json).toMatchObject({
      reason: "INTERNAL",
    });
  });
});

describe("R29: an upload of google.api.HttpBody", () => {
  it("is one message for each piece, with content type, path and query", async () => {
    const parts: Message[] = [];
    const stream: CallStream<Context> = async (call) => {
      for await (const message of call.input) parts.push(message);
      return echoStream({ ...call, method: call.method, input: only(...parts.slice(-1)) });
    };
    const server = await serve({ stream });
    const raw = await exchange(
      server.port,
      `${head("/v1/import-file/photo", "content-type: image/png\r\n")}${chunk("first")}${chunk("second")}0\r\n\r\n`,
    );
    const data = parts.map((part) => (part as unknown as { file: { data: Uint8Array } }).file.data);
    expect(Buffer.concat(data).toString()).toBe("firstsecond");
    for (const part of parts)
      expect(part).toMatchObject({ name: "photo", file: { contentType: "image/png" } });
    expect(parseAnswer(raw).status).toBe(200);
  });

  it("is passed on in pieces of at most the message limit", async () => {
    const { seen, server } = await collecting({ options: { limits: { bodyBytes: 4 } } });
    await server.send("POST", "/v1/import-raw", {
      body: "0123456789",
      headers: { "content-type": "text/plain" },
    });
    expect(seen.map((part) => atob((part as { data: string }).data)).join("")).toBe("0123456789");
    expect(seen.length).toBe(3);
  });

  it("that is empty is one message all the same", async () => {
    const { seen, server } = await collecting();
    expect((await server.send("POST", "/v1/import-file/empty")).status).toBe(200);
    expect(seen).toEqual([{ name: "empty", file: {} }]);
  });
});

describe("the bounds of an upload", () => {
  it("admit a message of just the limit and refuse one byte more, before its end", async () => {
    const { seen, server } = await collecting({ options: { limits: { bodyBytes: 12 } } });
    const exact = '{"text":"a"}\n';
    expect((await server.send("POST", "/v1/import", { body: exact.repeat(3) })).status).toBe(200);
    expect(seen).toHaveLength(3);
    const raw = await exchange(
      server.port,
      `${head("/v1/import")}${chunk(exact)}${chunk('{"text":"abcd')}`.concat("0\r\n\r\n"),
    );
    expect(parseAnswer(raw).json).toMatchObject({ status: 413, detail: "The body is larger than 12 bytes." });
    expect(seen).toHaveLength(4);
  });

  it("refuse what is too much altogether", async () => {
    const { server } = await collecting({ options: { limits: { uploadBytes: 30 } } });
    const answer = await server.send("POST", "/v1/import", { body: '{"text":"a"}\n'.repeat(3) });
    expect(answer.json).toMatchObject({ status: 413, detail: "The body is larger than 30 bytes." });
  });

  it("give a message its time from its first byte, and rest as long as they allow between two", async () => {
    const timers = manualTimers();
    const { seen, server } = await collecting({
      options: { startTimer: timers.startTimer, limits: { bodyMs: 55, uploadIdleMs: 66, lingerMs: 77 } },
    });
    const client = open(server.port, `${head("/v1/import")}${chunk("{}\n")}`);
    await until(() => seen.length === 1 && timers.pending().includes(66));
    expect(timers.pending()).toEqual([66]);
    client.socket.write(chunk("{"));
    await until(() => timers.pending().includes(55));
    expect(timers.pending()).toEqual([55]);
    client.socket.write(chunk('"text":'));
    client.socket.write(chunk('"b"}\n'));
    await until(() => seen.length === 2 && timers.pending().includes(66));
    client.socket.write(chunk("{"));
    await until(() => timers.pending().includes(55));
    timers.fire(55);
    await until(() => timers.pending().includes(77));
    timers.fire(77);
    await client.closed;
    expect(parseAnswer(client.text()).json).toMatchObject({
      status: 408,
      reason: "BODY_TIMEOUT",
      detail: "Too little of the body arrived within 55 ms.",
    });
    expect(timers.pending()).toEqual([]);
  });

  it("refuse an upload that rests too long", async () => {
    const timers = manualTimers();
    const { server } = await collecting({
      options: { startTimer: timers.startTimer, limits: { uploadIdleMs: 66, lingerMs: 77 } },
    });
    const client = open(server.port, `${head("/v1/import")}${chunk("\n")}`);
    await until(() => timers.pending().includes(66));
    timers.fire(66);
    await until(() => timers.pending().includes(77));
    timers.fire(77);
    await client.closed;
    expect(parseAnswer(client.text()).json).toMatchObject({ status: 408, reason: "BODY_TIMEOUT" });
  });

  it("do not count the time that the method takes, and stop reading meanwhile", async () => {
    const timers = manualTimers();
    let proceed: () => void = () => undefined;
    const busy = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    let seen = 0;
    const stream: CallStream<Context> = async ({ method, input }) => {
      for await (const _ of input) {
        seen += 1;
        if (seen === 1) await busy;
      }
      return streaming(only(create(method.output)));
    };
    const server = await serve({ stream, options: { startTimer: timers.startTimer } });
    const client = open(server.port, head("/v1/import"));
    const line = `${"{}".padEnd(999_999)}\n`;
    for (let sent = 0; sent < 40; sent++) client.socket.write(chunk(line));
    client.socket.write("0\r\n\r\n");
    await until(() => seen === 1);
    expect(timers.pending()).toEqual([]);
    // The sockets of both sides hold a part; the rest still waits here.
    expect(client.socket.writableLength).toBeGreaterThan(10_000_000);
    proceed();
    await client.closed;
    expect(parseAnswer(client.text()).status).toBe(200);
    expect(seen).toBe(40);
  });
});

describe("an upload whose method answers early", () => {
  const first: CallStream<Context> = async ({ method, input }) => {
    for await (const _ of input) break;
    return streaming(only(create(method.output, { text: "enough" } as never)));
  };

  it("gets its answer, and the rest is thrown away", async () => {
    const server = await serve({ stream: first });
    const client = open(server.port, `${head("/v1/import")}${chunk("{}\n")}`);
    await until(() => client.text().includes("enough"));
    for (let sent = 0; sent < 20; sent++) client.socket.write(chunk(`${"x".repeat(100_000)}\n`));
    client.socket.write("0\r\n\r\n");
    await client.closed;
    expect(parseAnswer(client.text())).toMatchObject({ status: 200 });
    expect(parseAnswer(client.text()).headers.get("connection")).toBe("close");
  });

  it("is cut off when the client never stops", async () => {
    const timers = manualTimers();
    const server = await serve({
      stream: first,
      options: { startTimer: timers.startTimer, limits: { lingerMs: 77 } },
    });
    const client = open(server.port, `${head("/v1/import")}${chunk("{}\n")}`);
    await until(() => timers.pending().includes(77));
    timers.fire(77);
    await client.closed;
    expect(parseAnswer(client.text()).json).toMatchObject({ text: "enough" });
  });

  it("does so over HTTP/2", async () => {
    const timers = manualTimers();
    const transcoder = createTranscoder<Context>({
      services: [serviceOf("Fixture")],
      call: echo,
      stream: first,
      options: {
        requestId: ({ id }) => id,
        registry,
        startTimer: timers.startTimer,
        limits: { lingerMs: 77 },
      },
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
    const stream = client.request({ ":method": "POST", ":path": "/v1/import" });
    stream.write("{}\n");
    const [headers] = await once(stream, "response");
    expect(headers[":status"]).toBe(200);
    let text = "";
    stream.on("data", (data) => {
      text += data;
    });
    await until(() => text.includes("enough") && timers.pending().includes(77));
    timers.fire(77);
    await once(stream, "close");
    expect(stream.rstCode).toBe(0);
  });
});

describe("a client that goes away in mid-upload", () => {
  it("aborts the signal, and its messages end with CANCELED", async () => {
    const failures: unknown[] = [];
    const signals: AbortSignal[] = [];
    const stream: CallStream<Context> = async ({ signal, input }) => {
      signals.push(signal);
      try {
        for await (const _ of input);
      } catch (failure) {
        failures.push(failure);
        throw failure;
      }
      return streaming(only());
    };
    const server = await serve({ stream });
    const client = open(server.port, `${head("/v1/import")}${chunk("{}\n")}`);
    await until(() => signals.length === 1);
    client.socket.destroy();
    await until(() => failures.length === 1);
    expect(failures).toMatchObject([{ rawMessage: "The caller cancelled the call." }]);
    await until(() => signals[0]?.aborted);
    expect(server.failures).toEqual([]);
  });
});
