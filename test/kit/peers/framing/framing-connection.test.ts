import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { errorCode, flag, frameType, preface } from "../../../../services/kit/peers/framing/protocol.js";
import {
  answer,
  block,
  dataFrame,
  headersFrame,
  okHeaders,
  okTrailers,
  openFraming,
  rawFrame,
  settings,
  uint32,
} from "./server-side.js";

const { endHeaders, endStream } = flag;
const whole = endHeaders | endStream;
const zeros = (length: number) => Buffer.alloc(length);

describe("a connection", () => {
  it("begins with the preface, its settings and its window", async () => {
    const { sent, frames } = openFraming();
    const [first, second] = await frames();
    expect(sent[0]?.subarray(0, preface.length)).toEqual(preface);
    const payload = settings([2, 0], [4, 1_048_576], [6, 65_536]).subarray(9);
    expect(first).toEqual({ type: frameType.settings, flags: 0, stream: 0, payload });
    expect(second).toMatchObject({
      type: frameType.windowUpdate,
      stream: 0,
      payload: uint32(16_777_216 - 65_535),
    });
  });

  it("acknowledges settings, and tells how many calls they grant", async () => {
    const { greet, frames, fate } = openFraming();
    greet([3, 7]);
    const acknowledged = { type: frameType.settings, flags: flag.ack, stream: 0, payload: zeros(0) };
    expect(await frames()).toContainEqual(acknowledged);
    expect(fate.granted).toBe(7);
  });

  it("answers a ping, and hears the answer to its own", async () => {
    const { connection, greet, receive, frames } = openFraming();
    greet();
    const payload = Buffer.from("8 octets");
    receive(rawFrame(frameType.ping, 0, 0, payload));
    expect(await frames()).toContainEqual({ type: frameType.ping, flags: flag.ack, stream: 0, payload });
    let answers = 0;
    connection.ping(() => {
      answers += 1;
    });
    const asked = (await frames()).filter(({ type, flags }) => type === frameType.ping && flags === 0)[0]!;
    receive(rawFrame(frameType.ping, flag.ack, 0, payload));
    expect(answers).toBe(0);
    receive(rawFrame(frameType.ping, flag.ack, 0, asked.payload));
    receive(rawFrame(frameType.ping, flag.ack, 0, asked.payload));
    expect(answers).toBe(1);
  });

  it("sends all calls of one turn in one piece", async () => {
    const { begin, sent, frames } = openFraming();
    for (let i = 0; i < 10; i += 1) begin("request");
    await frames();
    expect(sent).toHaveLength(1);
  });
});

describe("a call", () => {
  it("is headers and data on a stream of its own, which the data ends", async () => {
    const { begin, frames } = openFraming();
    begin("one");
    begin("two");
    const all = await frames();
    const calls = all
      .filter(({ stream }) => stream > 0)
      .map(({ type, stream, flags }) => [type, stream, flags]);
    expect(calls).toEqual([
      [frameType.headers, 1, endHeaders],
      [frameType.data, 1, endStream],
      [frameType.headers, 3, endHeaders],
      [frameType.data, 3, endStream],
    ]);
    expect(all.at(-1)?.payload.toString()).toBe("two");
  });

  it("hears headers, data, trailers and the end", () => {
    const { begin, greet, receive, fate } = openFraming();
    const { heard } = begin();
    greet();
    receive(answer(1, "the body"));
    expect(heard).toMatchObject({ end: "answered", late: 0 });
    expect({ ...heard.headers }).toEqual({ ":status": 200, "content-type": "application/grpc" });
    expect({ ...heard.trailers }).toEqual({ "grpc-status": "0" });
    expect(heard.data.toString()).toBe("the body");
    expect(fate.released).toBe(1);
  });

  it("hears the same however the server cuts and pads its frames", () => {
    const { begin, greet, connection } = openFraming();
    const { heard } = begin();
    greet();
    const fields = block(okHeaders);
    const priority = zeros(5);
    const octets = Buffer.concat([
      // Padding by two octets, a priority, and the block in three pieces.
      rawFrame(
        frameType.headers,
        flag.padded | flag.priority,
        1,
        Buffer.concat([Buffer.from([2]), priority, fields.subarray(0, 4), zeros(2)]),
      ),
      rawFrame(frameType.continuation, 0, 1, fields.subarray(4, 5)),
      rawFrame(frameType.continuation, endHeaders, 1, fields.subarray(5)),
      rawFrame(
        frameType.data,
        flag.padded,
        1,
        Buffer.concat([Buffer.from([3]), Buffer.from("bo"), zeros(3)]),
      ),
      rawFrame(0xfe, 0xff, 1, zeros(3)),
      rawFrame(frameType.priority, 0, 1, priority),
      dataFrame(1, "dy"),
      headersFrame(1, okTrailers, whole),
    ]);
    for (const octet of octets) connection.receive(Buffer.from([octet]));
    expect(heard.end).toBe("answered");
    expect(heard.headers?.["content-type"]).toBe("application/grpc");
    expect(heard.data.toString()).toBe("body");
  });

  it("passes over interim answers", () => {
    const { begin, greet, receive } = openFraming();
    const { heard } = begin();
    greet();
    receive(
      headersFrame(1, [
        [":status", "103"],
        ["link", "x"],
      ]),
      answer(1),
    );
    expect(heard.end).toBe("answered");
    expect(heard.headers?.link).toBeUndefined();
  });

  it("hears headers whose names objects have a meaning for, and several values of one", () => {
    const { begin, greet, receive } = openFraming();
    const { heard } = begin();
    greet();
    const odd = [
      ["__proto__", "1"],
      ["constructor", "2"],
      ["x-one", "3"],
      ["x-one", "4"],
      ["set-cookie", "5"],
      ["set-cookie", "6"],
      ["content-type", "7"],
    ] as const;
    receive(headersFrame(1, [...okHeaders, ...odd], whole));
    expect(Object.entries(heard.headers ?? {})).toEqual([
      [":status", 200],
      ["content-type", "application/grpc"],
      ["__proto__", "1"],
      ["constructor", "2"],
      ["x-one", "3, 4"],
      ["set-cookie", ["5", "6"]],
    ]);
  });

  it("hears a message of gRPC that ends with a space", () => {
    const { begin, greet, receive } = openFraming();
    const { heard } = begin();
    greet();
    receive(headersFrame(1, [...okHeaders, ["grpc-status", "5"], ["grpc-message", "not here "]], whole));
    expect(heard).toMatchObject({ end: "answered", headers: { "grpc-message": "not here " } });
  });

  it("ends with headers alone, or with empty data", () => {
    const { begin, greet, receive } = openFraming();
    const [one, two] = [begin(), begin()];
    greet();
    receive(headersFrame(1, [...okHeaders, ["grpc-status", "5"]], whole));
    receive(headersFrame(3, okHeaders), dataFrame(3, "", endStream));
    expect([one.heard.end, two.heard.end]).toEqual(["answered", "answered"]);
    expect(one.heard.headers?.["grpc-status"]).toBe("5");
    expect(two.heard.trailers).toBeUndefined();
  });

  it("larger than a frame leaves in several, headers too", async () => {
    const { begin, frames } = openFraming();
    begin(zeros(40_000), { "x-large": "a".repeat(40_000) });
    const sizes = (await frames())
      .filter(({ stream }) => stream > 0)
      .map(({ type, payload }) => [type, payload.length]);
    expect(sizes.map(([type]) => type)).toEqual([1, 9, 9, 0, 0, 0]);
    expect(sizes.slice(3)).toEqual([
      [0, 16_384],
      [0, 16_384],
      [0, 7_232],
    ]);
  });

  it("that HTTP/2 forbids leaves the others alone", async () => {
    const { begin, frames, greet, receive } = openFraming();
    expect(() => begin("", { connection: "close" })).toThrow(TypeError);
    const { heard } = begin();
    greet();
    receive(answer(1));
    expect(heard.end).toBe("answered");
    expect((await frames()).filter(({ stream }) => stream > 1)).toEqual([]);
  });

  it("with more headers than the server takes does not leave", () => {
    const { begin, greet } = openFraming();
    greet([6, 200]);
    const large = () => begin("", { "x-large": "a".repeat(100) });
    expect(large).toThrowError(expect.objectContaining({ code: Code.ResourceExhausted }));
    begin();
  });

  it("that is canceled is reset, and hears nothing more", async () => {
    const { begin, greet, receive, frames, fate } = openFraming();
    const { heard, cancel } = begin();
    greet();
    cancel();
    cancel();
    receive(answer(1));
    const resets = (await frames()).filter(({ type }) => type === frameType.rstStream);
    expect(resets.map(({ stream, payload }) => [stream, payload.readUInt32BE(0)])).toEqual([
      [1, errorCode.cancel],
    ]);
    expect(heard).toEqual({ data: zeros(0), late: 0 });
    expect([fate.released, fate.ended]).toEqual([1, false]);
  });
});

describe("an answer that is wrong fails its call alone:", () => {
  const headers = headersFrame(1, okHeaders);
  it.each([
    ["data before headers", [dataFrame(1, "x")], errorCode.protocol],
    ["headers without a status", [headersFrame(1, [["content-type", "x"]])], errorCode.protocol],
    ["a status that is none", [headersFrame(1, [[":status", "2000"]])], errorCode.protocol],
    [
      "two statuses",
      [
        headersFrame(1, [
          [":status", "200"],
          [":status", "200"],
        ]),
      ],
      errorCode.protocol,
    ],
    [
      "a status behind a field",
      [
        headersFrame(1, [
          ["a", "b"],
          [":status", "200"],
        ]),
      ],
      errorCode.protocol,
    ],
    ["a pseudo-header of requests", [headersFrame(1, [[":path", "/"]])], errorCode.protocol],
    ["101 Switching Protocols", [headersFrame(1, [[":status", "101"]])], errorCode.protocol],
    ["an interim answer as the last", [headersFrame(1, [[":status", "103"]], whole)], errorCode.protocol],
    ["an upper-case name", [headersFrame(1, [...okHeaders, ["X-One", "1"]])], errorCode.protocol],
    ["a field of HTTP/1.1", [headersFrame(1, [...okHeaders, ["connection", "close"]])], errorCode.protocol],
    ["space around a value", [headersFrame(1, [...okHeaders, ["a", "b "]])], errorCode.protocol],
    ["a line feed in a value", [headersFrame(1, [...okHeaders, ["a", "b\nc"]])], errorCode.protocol],
    ["trailers with a status", [headers, headersFrame(1, [[":status", "200"]], whole)], errorCode.protocol],
    ["trailers that end nothing", [headers, headersFrame(1, okTrailers)], errorCode.protocol],
    ["more headers than are taken", [manyHeaders(700)], errorCode.enhanceYourCalm],
    [
      "a window that grows by nothing",
      [rawFrame(frameType.windowUpdate, 0, 1, uint32(0))],
      errorCode.protocol,
    ],
    [
      "a window beyond the largest",
      [rawFrame(frameType.windowUpdate, 0, 1, uint32(0x7fff_ffff))],
      errorCode.flowControl,
    ],
  ])("%s", async (_, octets, code) => {
    const { begin, greet, receive, frames, fate } = openFraming();
    const [wrong, right] = [begin(), begin()];
    greet();
    receive(...octets, answer(3));
    expect(wrong.heard.end).toMatchObject({ unsent: false });
    const expected = code === errorCode.enhanceYourCalm ? Code.ResourceExhausted : Code.Internal;
    expect((wrong.heard.end as { error: { code: Code } }).error.code).toBe(expected);
    expect(right.heard.end).toBe("answered");
    expect(await frames()).toContainEqual({
      type: frameType.rstStream,
      flags: 0,
      stream: 1,
      payload: uint32(code),
    });
    expect([fate.released, fate.ended, wrong.heard.late]).toEqual([2, false, 0]);
  });

  it("more data than its window allows", async () => {
    const { begin, greet, receive, frames } = openFraming({ streamWindowBytes: 10 });
    const { heard } = begin();
    greet();
    receive(headers, dataFrame(1, zeros(11)));
    expect(heard.end).toMatchObject({ error: { code: Code.Internal } });
    const reset = { type: frameType.rstStream, flags: 0, stream: 1, payload: uint32(errorCode.flowControl) };
    expect(await frames()).toContainEqual(reset);
  });

  it.each([
    ["data", dataFrame(1, "more")],
    ["headers", headersFrame(1, okTrailers, whole)],
  ])("%s behind its end is refused with STREAM_CLOSED", async (_, late) => {
    const { begin, greet, receive, frames, fate } = openFraming();
    const { heard } = begin();
    greet();
    receive(answer(1), late);
    expect(heard).toMatchObject({ end: "answered", late: 0 });
    const reset = { type: frameType.rstStream, flags: 0, stream: 1, payload: uint32(errorCode.streamClosed) };
    expect(await frames()).toContainEqual(reset);
    expect(fate.ended).toBe(false);
  });
});

describe("a server that breaks the protocol loses the connection:", () => {
  const pings = Array.from({ length: 1_001 }, () => rawFrame(frameType.ping, 0, 0, zeros(8)));
  it.each([
    ["a beginning without SETTINGS", [rawFrame(frameType.ping, 0, 0, zeros(8))], errorCode.protocol],
    ["a beginning with an acknowledgement", [rawFrame(frameType.settings, flag.ack, 0)], errorCode.protocol],
    ["HTTP/1.1", [Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")], errorCode.protocol],
    ["a push", [settings(), rawFrame(frameType.pushPromise, endHeaders, 1, uint32(2))], errorCode.protocol],
    ["a stream that nobody began", [settings(), headersFrame(5, okHeaders)], errorCode.protocol],
    ["a stream of its own", [settings(), dataFrame(2, "x")], errorCode.protocol],
    ["data on stream 0", [settings(), dataFrame(0, "x")], errorCode.protocol],
    ["a reset of a stream that nobody began", [settings(), rawFrame(3, 0, 9, uint32(8))], errorCode.protocol],
    ["PING on a stream", [settings(), rawFrame(frameType.ping, 0, 1, zeros(8))], errorCode.protocol],
    ["SETTINGS on a stream", [rawFrame(frameType.settings, 0, 1)], errorCode.protocol],
    ["GOAWAY on a stream", [settings(), rawFrame(frameType.goaway, 0, 1, zeros(8))], errorCode.protocol],
    ["half a setting", [rawFrame(frameType.settings, 0, 0, zeros(5))], errorCode.frameSize],
    [
      "an acknowledgement with settings",
      [settings(), rawFrame(4, flag.ack, 0, zeros(6))],
      errorCode.frameSize,
    ],
    ["a server that is pushed to", [settings([2, 1])], errorCode.protocol],
    ["an initial window beyond the largest", [settings([4, 0x8000_0000])], errorCode.flowControl],
    ["a frame size below the least", [settings([5, 16_383])], errorCode.protocol],
    ["a frame size above the largest", [settings([5, 16_777_216])], errorCode.protocol],
    ["a short PING", [settings(), rawFrame(frameType.ping, 0, 0, zeros(7))], errorCode.frameSize],
    ["a short GOAWAY", [settings(), rawFrame(frameType.goaway, 0, 0, zeros(7))], errorCode.frameSize],
    ["a short RST_STREAM", [settings(), rawFrame(frameType.rstStream, 0, 1, zeros(3))], errorCode.frameSize],
    [
      "a long WINDOW_UPDATE",
      [settings(), rawFrame(frameType.windowUpdate, 0, 0, zeros(5))],
      errorCode.frameSize,
    ],
    ["a window that grows by nothing", [settings(), rawFrame(8, 0, 0, uint32(0))], errorCode.protocol],
    [
      "a window beyond the largest",
      [settings(), rawFrame(8, 0, 0, uint32(0x7fff_ffff))],
      errorCode.flowControl,
    ],
    [
      "windows of streams beyond it",
      [settings(), rawFrame(8, 0, 1, uint32(1_000_000)), settings([4, 0x7fff_ffff])],
      3,
    ],
    ["a frame larger than allowed", [settings(), dataFrame(1, zeros(16_385))], errorCode.frameSize],
    [
      "padding longer than its frame",
      [settings(), rawFrame(0, flag.padded, 1, Buffer.from([1]))],
      errorCode.protocol,
    ],
    ["padding without its length", [settings(), rawFrame(0, flag.padded, 1)], errorCode.protocol],
    ["HEADERS without their priority", [settings(), rawFrame(1, endHeaders | flag.priority, 1, zeros(4))], 6],
    ["a block that cannot be decoded", [settings(), rawFrame(1, endHeaders, 1, Buffer.from([0x80]))], 9],
    [
      "CONTINUATION of nothing",
      [settings(), rawFrame(frameType.continuation, endHeaders, 1)],
      errorCode.protocol,
    ],
    [
      "a frame within a block",
      [settings(), rawFrame(1, 0, 1), rawFrame(6, 0, 0, zeros(8))],
      errorCode.protocol,
    ],
    [
      "CONTINUATION of another stream",
      [settings(), rawFrame(1, 0, 1), rawFrame(9, 0, 3)],
      errorCode.protocol,
    ],
    ["a block without an end", [settings(), rawFrame(1, 0, 1), ...endless(33, 0)], errorCode.enhanceYourCalm],
    [
      "a block larger than is taken",
      [settings(), rawFrame(1, 0, 1), ...endless(5, 16_000)],
      errorCode.enhanceYourCalm,
    ],
    ["a flood of pings", [settings(), ...pings], errorCode.enhanceYourCalm],
    ["a flood of settings", Array.from({ length: 1_002 }, () => settings()), errorCode.enhanceYourCalm],
    ["a flood of empty data", [settings(), headersFrame(1, okHeaders), ...flood(dataFrame(1, ""))], 11],
    ["a flood of interim answers", [settings(), ...flood(headersFrame(1, [[":status", "102"]]))], 11],
    [
      "a flood of padding",
      [settings(), headersFrame(1, okHeaders), ...flood(dataFrame(1, Buffer.from([1, 0]), flag.padded))],
      11,
    ],
    ["a flood of unknown frames", [settings(), ...flood(rawFrame(0xee, 0, 0))], 11],
    ["a flood of priorities", [settings(), ...flood(rawFrame(frameType.priority, 0, 1, zeros(5)))], 11],
    ["a flood of windows", [settings(), ...flood(rawFrame(8, 0, 0, uint32(1)))], 11],
    ["a flood of resets", [settings(), ...flood(rawFrame(3, 0, 1, uint32(8)))], 11],
    ["a flood of data behind an end", [settings(), answer(1), ...flood(dataFrame(1, "x"))], 11],
  ])("%s", async (_, octets, code) => {
    const { begin, receive, frames, fate, connection } = openFraming();
    const [one, two] = [begin(), begin()];
    await frames();
    receive(...octets);
    expect(fate).toMatchObject({ ended: true, error: { errorCode: code }, released: 2 });
    const goaway = (await frames()).find(({ type }) => type === frameType.goaway);
    expect([goaway?.payload.readUInt32BE(0), goaway?.payload.readUInt32BE(4)]).toEqual([0, code]);
    expect(two.heard.end).toMatchObject({ error: { code: Code.Unavailable }, unsent: false });
    expect(one.heard.late + two.heard.late).toBe(0);
    expect([connection.accepts, connection.active]).toEqual([false, 0]);
    receive(answer(3));
    expect(two.heard.headers).toBeUndefined();
  });
});

function manyHeaders(count: number): Buffer {
  // Entries of the table, each of which one octet stands for.
  const entry = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0x01]), Buffer.alloc(128, "b")]);
  const octets = Buffer.concat([Buffer.from([0x88]), entry, Buffer.alloc(count, 0xbe)]);
  return rawFrame(frameType.headers, endHeaders, 1, octets);
}

function endless(count: number, length: number): Buffer[] {
  return Array.from({ length: count }, () => rawFrame(frameType.continuation, 0, 1, zeros(length)));
}

function flood(frame: Buffer): Buffer[] {
  return Array.from({ length: 1_100 }, () => frame);
}
