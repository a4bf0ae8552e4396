import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { protocolOf } from "../../../services/kit/serve/socket.js";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

describe("protocolOf", () => {
  it("waits while the bytes may still become the preface of HTTP/2", () => {
    for (let length = 0; length < preface.length; length += 1) {
      expect(protocolOf(preface.subarray(0, length))).toBeUndefined();
    }
  });

  it("knows HTTP/2 by the whole preface, whatever follows", () => {
    fc.assert(fc.property(fc.uint8Array(), (rest) => protocolOf(Buffer.concat([preface, rest])) === "h2c"));
  });

  it("decides for HTTP/1.1 at the first byte that differs", () => {
    fc.assert(
      fc.property(fc.nat(preface.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(preface.subarray(0, at + 1));
        bytes[at] = (bytes[at] ?? 0) ^ change;
        return protocolOf(bytes) === "http/1.1";
      }),
    );
  });
});
