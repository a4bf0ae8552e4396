import { describe, expect, it } from "vitest";
import { FramingStream } from "../../../../services/kit/peers/framing/framing-stream.js";
import { largest31 } from "../../../../services/kit/peers/framing/protocol.js";
import { StreamRegister } from "../../../../services/kit/peers/framing/stream-register.js";
import type { WireListener } from "../../../../services/kit/peers/wire-connection.js";

const streamOf = (id: number) =>
  new FramingStream(id, {} as WireListener, { sendWindow: 0, onCancel: () => {} });

describe("the streams of a connection", () => {
  it("are used up with the largest number", () => {
    const streams = new StreamRegister();
    streams.open(streamOf(largest31 - 2));
    expect(streams.exhausted).toBe(false);
    streams.open(streamOf(streams.next));
    expect(streams.exhausted).toBe(true);
    expect(streams.of(largest31)?.id).toBe(largest31);
  });

  it("are told apart: open, ended, never begun, and the server's own", () => {
    const streams = new StreamRegister();
    for (const id of [1, 3, 5]) streams.open(streamOf(id));
    streams.close(streamOf(3));
    expect([streams.of(1)?.id, streams.of(3), streams.size]).toEqual([1, undefined, 2]);
    expect(streams.above(1).map(({ id }) => id)).toEqual([5]);
    for (const id of [0, 2, 7]) {
      expect(() => streams.of(id)).toThrowError(expect.objectContaining({ errorCode: 1 }));
    }
  });

  it("that we ended are remembered for a while", () => {
    const streams = new StreamRegister();
    for (let id = 1; id <= 2 * 1_001; id += 2) streams.rememberReset(streamOf(id));
    expect([streams.wasReset(1), streams.wasReset(3), streams.wasReset(2_001)]).toEqual([false, true, true]);
  });
});
