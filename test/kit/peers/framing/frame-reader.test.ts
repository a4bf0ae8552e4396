import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Frame, FrameReader } from "../../../../services/kit/peers/framing/frame-reader.js";
import { rawFrame } from "./server-side.js";

const frame = fc.record({
  type: fc.nat(255),
  flags: fc.nat(255),
  stream: fc.nat(0x7fff_ffff),
  payload: fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
});

function read(chunks: readonly Buffer[], largest = 16_384) {
  const reader = new FrameReader(largest);
  const frames: Frame[] = [];
  let held = 0;
  for (const chunk of chunks) {
    reader.read(chunk, (one) => frames.push({ ...one, payload: Buffer.from(one.payload) }) > 0);
    held = Math.max(held, reader.held);
  }
  return { frames, held };
}

/** Cuts octets at the given places. */
function cutAt(octets: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (octets.length + 1)), octets.length].sort(
    (a, b) => a - b,
  );
  return sorted.slice(1).map((end, index) => octets.subarray(sorted[index], end));
}

describe("frames", () => {
  it("come out the same wherever the octets are cut", () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (given, places) => {
          const octets = Buffer.concat(
            given.map((one) => rawFrame(one.type, one.flags, one.stream, one.payload)),
          );
          const { frames, held } = read(cutAt(octets, places));
          expect(frames).toEqual(given);
          expect(held).toBeLessThanOrEqual(309);
        },
      ),
    );
  });

  it("come out octet by octet", () => {
    const octets = rawFrame(0, 1, 5, Buffer.from("payload"));
    const { frames } = read([...octets].map((octet) => Buffer.from([octet])));
    expect(frames).toEqual([{ type: 0, flags: 1, stream: 5, payload: Buffer.from("payload") }]);
  });

  it("lose the bit of the stream's number that has no meaning", () => {
    const [only] = read([rawFrame(0, 0, 0xffff_ffff)]).frames;
    expect(only?.stream).toBe(0x7fff_ffff);
  });

  it("may be as large as allowed, and one octet more is refused by its header alone", () => {
    expect(read([rawFrame(0, 0, 1, Buffer.alloc(100))], 100).frames).toHaveLength(1);
    const tooLarge = rawFrame(0, 0, 1, Buffer.alloc(101));
    const refusal = expect.objectContaining({ errorCode: 6 });
    expect(() => read([tooLarge.subarray(0, 9)], 100)).toThrowError(refusal);
    expect(() => read([tooLarge.subarray(0, 4), tooLarge.subarray(4, 9)], 100)).toThrowError(refusal);
  });

  it("stop coming when nobody takes more", () => {
    const reader = new FrameReader(100);
    let taken = 0;
    reader.read(Buffer.concat([rawFrame(0, 0, 1), rawFrame(0, 0, 3)]), () => {
      taken += 1;
      return false;
    });
    expect(taken).toBe(1);
  });
});
