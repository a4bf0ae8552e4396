import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { errorCode, flag, frameType } from "../../../../services/kit/peers/framing/protocol.js";
import { answer, dataFrame, headersFrame, okHeaders, openFraming, rawFrame, uint32 } from "./server-side.js";

const windowUpdate = (stream: number, octets: number) =>
  rawFrame(frameType.windowUpdate, 0, stream, uint32(octets));

/** Octets of data that have left on each stream. */
async function sentBy(opened: ReturnType<typeof openFraming>): Promise<Record<number, number>> {
  const sent: Record<number, number> = {};
  for (const { type, stream, payload } of await opened.frames()) {
    if (type === frameType.data) sent[stream] = (sent[stream] ?? 0) + payload.length;
  }
  return sent;
}

describe("a request", () => {
  it("larger than its window waits for more, and ends its stream with the last octet", async () => {
    const opened = openFraming();
    const { begin, greet, receive, frames, connection } = opened;
    greet([4, 100]);
    begin(Buffer.alloc(250));
    expect(await sentBy(opened)).toEqual({ 1: 100 });
    expect(connection.held).toBe(150);
    receive(windowUpdate(1, 149));
    expect(await sentBy(opened)).toEqual({ 1: 249 });
    receive(windowUpdate(1, 10));
    expect(await sentBy(opened)).toEqual({ 1: 250 });
    expect(connection.held).toBe(0);
    const data = (await frames()).filter(({ type }) => type === frameType.data);
    expect(data.map(({ flags }) => flags)).toEqual([0, 0, flag.endStream]);
  });

  it("shares the connection's window with others, frame by frame", async () => {
    const opened = openFraming();
    opened.greet([4, 1_000_000]);
    for (let i = 0; i < 3; i += 1) opened.begin(Buffer.alloc(30_000));
    expect(await sentBy(opened)).toEqual({ 1: 30_000, 3: 19_151, 5: 16_384 });
    opened.receive(windowUpdate(0, 24_465));
    expect(await sentBy(opened)).toEqual({ 1: 30_000, 3: 30_000, 5: 30_000 });
  });

  it("waits when settings take its window back, until that is made up for", async () => {
    const opened = openFraming();
    opened.greet([4, 100]);
    opened.begin(Buffer.alloc(200));
    expect(await sentBy(opened)).toEqual({ 1: 100 });
    opened.greet([4, 40]);
    opened.receive(windowUpdate(1, 60));
    expect(await sentBy(opened)).toEqual({ 1: 100 });
    opened.receive(windowUpdate(1, 1));
    expect(await sentBy(opened)).toEqual({ 1: 101 });
    opened.greet([4, 1_000]);
    expect(await sentBy(opened)).toEqual({ 1: 200 });
  });

  it("may be granted in small parts for as long as it takes", async () => {
    const opened = openFraming();
    opened.greet([4, 0]);
    opened.begin(Buffer.alloc(5_000));
    for (let i = 0; i < 5_000; i += 1) {
      opened.receive(windowUpdate(1, 1));
      await turn();
    }
    expect(await sentBy(opened)).toEqual({ 1: 5_000 });
    expect(opened.fate.ended).toBe(false);
  });

  it("that is answered before it has left is broken off", async () => {
    const { begin, greet, receive, frames, connection } = openFraming();
    greet([4, 10]);
    const { heard } = begin(Buffer.alloc(20));
    receive(answer(1));
    expect(heard.end).toBe("answered");
    const reset = { type: frameType.rstStream, flags: 0, stream: 1, payload: uint32(errorCode.cancel) };
    expect(await frames()).toContainEqual(reset);
    expect(connection.held).toBe(0);
  });

  it("goes elsewhere while too much waits", async () => {
    const { connection, begin, greet, receive, frames, fate } = openFraming();
    greet([4, 0]);
    const { cancel } = begin(Buffer.alloc(16_777_216));
    expect(connection.accepts).toBe(false);
    cancel();
    expect(connection.accepts).toBe(true);
    await frames();
    const before = fate.free;
    begin(Buffer.alloc(16_777_216));
    receive(windowUpdate(3, 1_000));
    await frames();
    expect(connection.accepts).toBe(true);
    expect(fate.free).toBeGreaterThan(before);
  });
});

describe("while the server reads nothing", () => {
  it("calls go elsewhere, and no more of a message is made ready than a batch", async () => {
    const { connection, carrier, begin, greet, receive, frames } = openFraming();
    carrier.stuck = true;
    await frames();
    greet([4, 10_000_000], [5, 1_000_000]);
    receive(windowUpdate(0, 10_000_000));
    begin(Buffer.alloc(9_000_000));
    await frames();
    expect(connection.held).toBeLessThan(9_000_000 + 1_000);
    while (connection.accepts) begin("", { "x-large": "a".repeat(60_000) });
    expect(connection.held).toBeLessThan(9_000_000 + 1_200_000);
    carrier.stuck = false;
    carrier.release();
    expect(connection.accepts).toBe(true);
  });

  it("and makes us answer all the same, it loses the connection", async () => {
    const { carrier, begin, greet, receive, frames, fate, connection } = openFraming();
    carrier.stuck = true;
    await frames();
    greet();
    for (let i = 0; i < 2_000 && !fate.ended; i += 1) {
      begin();
      // Each answer buys some pings, so that their number alone is not what ends it.
      const pings = Array.from({ length: 10 }, () => rawFrame(frameType.ping, 0, 0, Buffer.alloc(8)));
      receive(answer(2 * i + 1), ...pings);
    }
    expect(fate.error).toMatchObject({ errorCode: errorCode.enhanceYourCalm });
    expect(connection.held).toBeLessThan(500_000);
  });
});

describe("what an answer takes is granted anew", () => {
  it("on the connection once half of its window is used, whoever wanted the data", async () => {
    const { begin, greet, receive, frames } = openFraming({ sessionWindowBytes: 100_000 });
    const [first, second] = [begin(), begin()];
    greet();
    receive(headersFrame(1, okHeaders), headersFrame(3, okHeaders));
    first.cancel();
    receive(
      dataFrame(1, Buffer.alloc(16_384)),
      dataFrame(3, Buffer.alloc(16_384)),
      dataFrame(1, Buffer.alloc(16_384)),
    );
    const grants = async () =>
      (await frames()).filter(({ type, stream }) => type === frameType.windowUpdate && stream === 0).slice(1);
    expect(await grants()).toEqual([]);
    receive(dataFrame(1, Buffer.alloc(1_000)));
    expect((await grants()).map(({ payload }) => payload.readUInt32BE(0))).toEqual([50_152]);
    expect(second.heard.data).toHaveLength(16_384);
  });

  it("on a stream that goes on, padding included", async () => {
    const { begin, greet, receive, frames } = openFraming({ streamWindowBytes: 1_000 });
    begin();
    greet();
    const padded = Buffer.concat([Buffer.from([99]), Buffer.alloc(499)]);
    receive(headersFrame(1, okHeaders), rawFrame(frameType.data, flag.padded, 1, padded));
    const granted = (await frames()).filter(
      ({ type, stream }) => type === frameType.windowUpdate && stream === 1,
    );
    expect(granted.map(({ payload }) => payload.readUInt32BE(0))).toEqual([500]);
  });

  it("so that no connection stops, however small its window", () => {
    const { begin, greet, connection, fate, receive } = openFraming({ sessionWindowBytes: 0 });
    begin();
    greet();
    receive(headersFrame(1, okHeaders));
    for (let i = 0; i < 100; i += 1) connection.receive(dataFrame(1, Buffer.alloc(1_000)));
    expect(fate.ended).toBe(false);
  });
});
