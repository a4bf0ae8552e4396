import type { Http2ServerRequest } from "node:http2";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Listener } from "../../../services/kit/serve/listen.js";
import { eventually, until } from "../../support/until.js";
import { get as getOn, http2, rawConnection, serve } from "./clients.js";
import {
  ack,
  connectionPreface,
  emptySettings,
  endHeaders,
  endStream,
  frame,
  framesIn,
  headerBlock,
} from "./frames.js";

type Fields = readonly (readonly [name: string, value: string])[];

const pseudo = (changed: Record<string, string | undefined> = {}): Fields => {
  const usual = { ":method": "GET", ":scheme": "http", ":path": "/", ":authority": "h" };
  const fields = Object.entries({ ...usual, ...changed });
  return fields.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
};
const post = pseudo({ ":method": "POST" });
const headers = (fields: Fields, flags = endHeaders | endStream, stream = 1) =>
  frame("HEADERS", flags, stream, headerBlock(fields));
const data = (size: number, flags = 0, stream = 1) => frame("DATA", flags, stream, new Uint8Array(size));

interface Seen {
  readonly path: string;
  readonly headers: Http2ServerRequest["headers"];
  /** What came of the body, once it is over. */
  body?: string;
}

let listener: Listener;
let seen: Seen[];

beforeEach(async () => {
  seen = [];
  ({ listener } = await serve({
    limits: { idleTimeoutMs: 60_000 },
    handler: async (request, response) => {
      const one: Seen = { path: request.url ?? "", headers: request.headers };
      seen.push(one);
      let size = 0;
      try {
        for await (const chunk of request) size += chunk.length;
        one.body = `whole: ${size}`;
        response.end("served");
      } catch {
        one.body = `cut: ${size}`;
      }
    },
  }));
});
afterEach(() => listener.drain(0));

/** A session that has sent the frames, and a last request that shows that it lives. */
function open(...frames: readonly Uint8Array[]) {
  const { socket, received, closed } = rawConnection(listener);
  onTestFinished(() => void socket.destroy());
  socket.write(Buffer.concat([connectionPreface, emptySettings, ...frames]));
  return { socket, closed, frames: () => framesIn(received()) };
}

/** The code with which a stream was reset, or the session ended; undefined for neither. */
const codeOf = (frames: ReturnType<typeof framesIn>, type: "RST_STREAM" | "GOAWAY") => {
  const found = frames.find((one) => one.type === type);
  return found?.payload.readUInt32BE(type === "GOAWAY" ? 4 : 0);
};
const answered = (frames: ReturnType<typeof framesIn>, stream: number) =>
  frames.some((one) => one.type === "HEADERS" && one.stream === stream);

const protocolError = 1;
const enhanceYourCalm = 11;

describe("a request that another protocol could read differently is refused, and its session goes on", () => {
  it.each([
    ["a name with upper case", headers([...pseudo(), ["X-Upper", "1"]])],
    ["a connection header", headers([...pseudo(), ["connection", "close"]])],
    ["a transfer coding", headers([...pseudo(), ["transfer-encoding", "chunked"]])],
    ["a keep-alive header", headers([...pseudo(), ["keep-alive", "timeout=5"]])],
    ["an upgrade", headers([...pseudo(), ["upgrade", "h2c"]])],
    ["a proxy's connection header", headers([...pseudo(), ["proxy-connection", "close"]])],
    ["a te other than trailers", headers([...pseudo(), ["te", "gzip"]])],
    ["a line end in the path", headers(pseudo({ ":path": "/a HTTP/1.1\r\nhost: h\r\n\r\n" }))],
    ["a space in the path", headers(pseudo({ ":path": "/a b" }))],
    ["an empty path", headers(pseudo({ ":path": "" }))],
    ["a path without a slash", headers(pseudo({ ":path": "a" }))],
    ["no path", headers(pseudo({ ":path": undefined }))],
    ["two paths", headers([...pseudo(), [":path", "/b"]])],
    ["a line end in the method", headers(pseudo({ ":method": "GET / HTTP/1.1\r\n" }))],
    ["a pseudo-header behind headers", headers([[":method", "GET"], ["x", "1"], ...pseudo().slice(1)])],
    ["an unknown pseudo-header", headers([...pseudo(), [":extra", "1"]])],
    ["no authority and no host", headers(pseudo({ ":authority": undefined }))],
    ["two hosts", headers([...pseudo({ ":authority": undefined }), ["host", "a"], ["host", "b"]])],
    ["two lengths", headers([...post, ["content-length", "3"], ["content-length", "4"]])],
    ["a signed length", headers([...post, ["content-length", "+3"]])],
    ["a length without a body", headers([...post, ["content-length", "3"]])],
    [
      "more headers than twice the limit",
      headers([...pseudo(), ...Array<[string, string]>(300).fill(["a", "b"])]),
    ],
  ])("%s", async (_, bytes) => {
    const session = open(bytes, headers(pseudo({ ":path": "/good" }), endHeaders | endStream, 3));
    await eventually(() => expect(answered(session.frames(), 3)).toBe(true));
    expect([protocolError, enhanceYourCalm]).toContain(codeOf(session.frames(), "RST_STREAM"));
    expect(seen.map(({ path }) => path)).toEqual(["/good"]);
  });

  it.each([
    ["a host that is not the authority", headers([...pseudo(), ["host", "other"]])],
    ["an authority with user information", headers(pseudo({ ":authority": "user@h" }))],
  ])("%s, with 400", async (_, bytes) => {
    const session = open(bytes, headers(pseudo({ ":path": "/good" }), endHeaders | endStream, 3));
    await eventually(() => expect(answered(session.frames(), 3)).toBe(true));
    expect(seen.map(({ path }) => path)).toEqual(["/good"]);
    // The HTTP/2 library of Node 24 refuses user information itself.
    if (codeOf(session.frames(), "RST_STREAM") === protocolError) return;
    const body = session.frames().find(({ type, stream }) => type === "DATA" && stream === 1)?.payload;
    expect(JSON.parse(String(body))).toMatchObject({ status: 400, reason: "REQUEST_MALFORMED" });
  });

  it("keeps what no header may hold from the handler: line ends, NUL, names with spaces or colons", async () => {
    const bad: Fields = [
      ["x-injected", "a\r\ntransfer-encoding: chunked"],
      ["x-nul", "a\0b"],
      ["x\r\ny", "1"],
      ["x y", "1"],
      ["x:y", "1"],
      ["", "1"],
    ];
    open(headers([...pseudo(), ...bad, ["good", "1"]]));
    await eventually(() => expect(seen).toHaveLength(1));
    const names = Object.keys(seen[0]?.headers ?? {}).filter((name) => !name.startsWith(":"));
    expect(names).toEqual(["good"]);
  });
});

describe("a body that is not what it was said to be", () => {
  const rst = (code: number) => frame("RST_STREAM", 0, 1, [0, 0, 0, code]);
  it.each([
    ["is longer than its length", ["content-length", "1"], [data(3, endStream)]],
    ["outgrows its length later", ["content-length", "4"], [data(3), data(3, endStream)]],
    ["is shorter than its length", ["content-length", "10"], [data(3), data(3, endStream)]],
    ["ends with pseudo-headers", ["x", "1"], [data(3), headers([[":path", "/b"]])]],
    ["is taken back", ["x", "1"], [data(3), rst(8)]],
    ["is taken back without an error", ["x", "1"], [data(3), rst(0)]],
  ] as [string, [string, string], Buffer[]][])(
    "is never taken for a whole one when it %s",
    async (_, field, rest) => {
      const session = open(headers([...post, field], endHeaders));
      await eventually(() => expect(seen).toHaveLength(1));
      for (const [index, bytes] of rest.entries()) {
        session.socket.write(bytes);
        // Each of them in a turn of its own, as it would come over a network. Node 24 ends the
        // session for what is too long.
        const pings = () => session.frames().filter(({ type }) => type === "PING").length;
        session.socket.write(frame("PING", 0, 0, new Uint8Array(8)));
        await until(() => pings() > index || session.socket.destroyed);
      }
      await eventually(() => expect(seen[0]?.body).toMatch(/^cut/));
    },
  );
});

describe("what breaks the protocol ends the session", () => {
  it.each([
    ["a stream of the server's", headers(pseudo(), endHeaders | endStream, 2)],
    ["a promise", frame("PUSH_PROMISE", endHeaders, 1, [0, 0, 0, 2])],
    ["data for no stream", data(1)],
    ["a window that grows by nothing", frame("WINDOW_UPDATE", 0, 0, [0, 0, 0, 0])],
    ["a window that overflows", frame("WINDOW_UPDATE", 0, 0, [0x7f, 0xff, 0xff, 0xff])],
    ["settings of half an entry", frame("SETTINGS", 0, 0, [0, 1, 0, 0, 0])],
    ["an acknowledgement with content", frame("SETTINGS", ack, 0, [0, 1, 0, 0, 0, 0])],
    ["a frame beyond the size agreed", data(20_000)],
    ["headers that do not decompress", frame("HEADERS", endHeaders, 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ["a continuation of nothing", frame("CONTINUATION", endHeaders, 1, headerBlock(pseudo()))],
    ["data among headers", Buffer.concat([frame("HEADERS", 0, 1, headerBlock(pseudo())), data(1, 0, 3)])],
  ])("%s", async (_, bytes) => {
    const session = open(bytes);
    await eventually(() => expect(codeOf(session.frames(), "GOAWAY")).toBeGreaterThan(0));
    expect(seen).toEqual([]);
  });
});

describe("a peer that stays after its session has ended", () => {
  it.each([
    ["by what it sent", frame("HEADERS", endHeaders, 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ["as it was idle", frame("PING", 0, 0, new Uint8Array(8))],
  ])("%s, is dropped, and brings nobody down", async (_, bytes) => {
    const brief = await serve({ limits: { idleTimeoutMs: 60 } });
    onTestFinished(() => brief.listener.drain(0));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { socket, received } = rawConnection(brief.listener);
    onTestFinished(() => void socket.destroy());
    socket.write(Buffer.concat([connectionPreface, emptySettings, bytes]));
    await eventually(() => expect(received().length).toBeGreaterThan(20));
    await vi.advanceTimersByTimeAsync(10_000);
    vi.useRealTimers();
    await eventually(() => expect(brief.listener.connections).toBe(0));
  });
});

describe("a flood", () => {
  /** Sends floods without reading the answers, until cut off or `rounds` are over; others ask meanwhile. */
  async function flood(beginning: readonly Buffer[], more: (turn: number) => Buffer, rounds = 300) {
    const { socket, closed } = rawConnection(listener);
    onTestFinished(() => void socket.destroy());
    socket.pause();
    socket.write(Buffer.concat([connectionPreface, emptySettings, ...beginning]));
    const before = process.memoryUsage().rss;
    const session = http2(listener);
    for (let round = 0; round < rounds && !socket.destroyed; round++) {
      for (let turn = 0; turn < 1000; turn++) socket.write(more(round * 1000 + turn));
      if (round % 20 === 0) expect(await getOn(session)).toEqual({ status: 200, body: "served" });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await getOn(session)).toEqual({ status: 200, body: "served" });
    session.close();
    return { socket, closed, grown: (process.memoryUsage().rss - before) / 1_048_576 };
  }

  const stream = (turn: number) => 2 * turn + 1;
  const reset = (turn: number) => frame("RST_STREAM", 0, stream(turn), [0, 0, 0, 8]);
  const begun = frame("HEADERS", 0, 1, headerBlock(pseudo()));

  it.each([
    ["continuations", [begun], () => frame("CONTINUATION", 0, 1, headerBlock([["x", "y".repeat(1000)]]))],
    ["empty continuations", [begun], () => frame("CONTINUATION", 0, 1)],
    ["settings", [], () => frame("SETTINGS", 0, 0, [0, 4, 0, 1, 0, 0])],
    ["pings", [], () => frame("PING", 0, 0, new Uint8Array(8))],
    [
      "resets",
      [],
      (turn: number) => Buffer.concat([headers(pseudo(), endHeaders | endStream, stream(turn)), reset(turn)]),
    ],
    ["empty data", [headers(post, endHeaders)], () => data(0)],
  ] as [string, Buffer[], (turn: number) => Buffer][])(
    "of %s ends its own session, while others are served and memory stays bounded",
    async (_, beginning, more) => {
      const { closed, grown } = await flood(beginning, more);
      await closed;
      expect(grown).toBeLessThan(100);
    },
  );

  it("of priorities, which mean nothing any more, harms nobody", async () => {
    const { grown } = await flood([], (turn) => frame("PRIORITY", 0, stream(turn), [0, 0, 0, 0, 1]), 100);
    expect(grown).toBeLessThan(100);
  });

  it("of requests whose answers are never read is bounded by the streams that a session may have", async () => {
    const { socket } = await flood([], (turn) => headers(pseudo(), endHeaders | endStream, stream(turn)), 20);
    socket.destroy();
    await eventually(() => expect(listener.connections).toBe(0));
  });
});
