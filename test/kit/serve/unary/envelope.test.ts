import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  announcesMore,
  compressedFrame,
  envelopeBytes,
  frame,
  openEnvelope,
  sealEnvelope,
} from "../../../../services/kit/serve/unary/envelope.js";

const limit = 1000;
const trailers = 0x80;
const data = fc.uint8Array({ maxLength: limit });

function refusalOf(body: Uint8Array, ignored?: number): string {
  const opened = openEnvelope(body, limit, ignored);
  return opened.kind === "broken" ? `${opened.error.code} ${opened.error.rawMessage}` : "it was opened";
}

describe("an envelope", () => {
  it("gives back what was put into it", () => {
    fc.assert(
      fc.property(data, fc.boolean(), (message, compressed) => {
        const sealed = compressed ? compressedFrame(message) : frame(message, 0);
        const opened = openEnvelope(sealed, limit);
        expect(opened).toMatchObject({ kind: "message", compressed });
        if (opened.kind === "message") expect(Buffer.from(opened.data)).toEqual(Buffer.from(message));
      }),
    );
  });

  it("is sealed in place, with the length of any message", () => {
    fc.assert(
      fc.property(fc.nat(200_000), (length) => {
        const sealed = Buffer.from(sealEnvelope(new Uint8Array(envelopeBytes + length)));
        expect([sealed[0], sealed.readUInt32BE(1)]).toEqual([0, length]);
      }),
    );
  });

  it.each([
    ["nothing", [], "12 The method takes one message; the call has no message."],
    ["a piece of a prefix", [0, 0, 0], "3 The body cannot be read: it ends within a message's prefix."],
    ["a piece of a message", [0, 0, 0, 0, 2, 1], "3 The body cannot be read: it ends within a message."],
    ["a length beyond the limit", [0, 0, 0, 4, 0], "8 The body is larger than 1000 bytes."],
    ["the largest length", [0, 255, 255, 255, 255], "8 The body is larger than 1000 bytes."],
    [
      "two messages",
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      "12 The method takes one message; the call has more than one message.",
    ],
    [
      "a byte behind the message",
      [0, 0, 0, 0, 0, 0],
      "3 The body cannot be read: it ends within a message's prefix.",
    ],
    ["flags of nobody", [2, 0, 0, 0, 0], "13 A message has the flags 2, which the protocol does not have."],
    [
      "the flag of trailers",
      [trailers, 0, 0, 0, 0],
      "13 A message has the flags 128, which the protocol does not have.",
    ],
  ])("refuses %s", (_, bytes, refusal) => {
    expect(refusalOf(Uint8Array.from(bytes))).toBe(refusal);
  });

  it("may be followed by trailers, where a client sends them, but not consist of them", () => {
    const end = frame(Buffer.from("a: b\r\n"), trailers);
    const opened = openEnvelope(Buffer.concat([frame(Buffer.from("x"), 0), end]), limit, trailers);
    expect(opened).toMatchObject({ kind: "message", compressed: false });
    expect(refusalOf(end, trailers)).toMatch(/has no message/);
  });

  it("never throws, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (body) => {
        const opened = openEnvelope(body, limit);
        expect(["message", "broken"]).toContain(opened.kind);
        if (opened.kind === "message") expect(opened.data.length).toBe(body.length - envelopeBytes);
      }),
    );
  });

  it("tells by its first bytes that too much will follow", () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (length) => {
        const start = Buffer.alloc(envelopeBytes);
        start.writeUInt32BE(length, 1);
        expect(announcesMore(start, limit)).toBe(length > limit);
        expect(announcesMore(start.subarray(0, 4), limit)).toBe(false);
      }),
    );
  });
});
