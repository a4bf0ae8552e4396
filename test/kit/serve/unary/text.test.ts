import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBase64 } from "../../../../services/kit/serve/unary/connect.js";
import { percentEncode } from "../../../../services/kit/serve/unary/grpc-status.js";
import { decodeText, trailerFrame } from "../../../../services/kit/serve/unary/grpc-web.js";
import { percentDecode, rawParameter } from "../../../../services/kit/serve/unary/percent.js";

const bytes = fc.uint8Array({ maxLength: 200 });
const ascii = (text: string) => Buffer.from(text, "latin1");

describe("a parameter of a query", () => {
  it("is what URLSearchParams finds", () => {
    const name = fc.constantFrom("message", "base64", "encoding", "mess", "m");
    const value = fc.string({ unit: "grapheme", maxLength: 12 });
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), name, (entries, wanted) => {
        const query = new URLSearchParams(entries).toString();
        const raw = rawParameter(query, wanted);
        const found = raw === undefined ? null : Buffer.from(percentDecode(raw)).toString();
        expect(found).toBe(new URLSearchParams(query).get(wanted));
      }),
    );
  });

  it("is decoded as URLSearchParams does where that is text, broken escapes included", () => {
    const piece = fc.constantFrom("%", "%4", "%41", "%zz", "%e2%82%ac", "+", "a", "%2B", "%c3%a9");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const raw = pieces.join("");
        const decoded = Buffer.from(percentDecode(raw)).toString();
        expect(decoded).toBe(new URLSearchParams(`m=${raw}`).get("m"));
      }),
    );
  });

  it("may hold any bytes", () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const encoded = [...given].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
        expect(Buffer.from(percentDecode(encoded))).toEqual(Buffer.from(given));
      }),
    );
  });
});

describe("base64 of a query", () => {
  it("is read in both alphabets, with and without padding", () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom("base64" as const, "base64url" as const), (given, alphabet) => {
        const text = Buffer.from(given).toString(alphabet);
        for (const form of [text, text.replaceAll("=", "")]) {
          expect(Buffer.from(decodeBase64(ascii(form)) ?? [])).toEqual(Buffer.from(given));
        }
      }),
    );
  });

  it.each(["a", "abcde", "ab=", "abc==", "====", "ab c", "a=bc", "äbcd"])("refuses %s", (text) => {
    expect(decodeBase64(Buffer.from(text, "utf8"))).toBeUndefined();
  });
});

describe("a body of gRPC-Web in text", () => {
  it("may be several pieces with padding of their own", () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (pieces) => {
        const text = pieces.map((piece) => Buffer.from(piece).toString("base64")).join("");
        expect(Buffer.from(decodeText(ascii(text)) ?? (["none"] as never))).toEqual(Buffer.concat(pieces));
      }),
    );
  });

  it.each(["A", "AAA", "AAAAA", "AA=A", "A===", "====", "AA-_", "AAAA\n", "=AAA", "AAAA===="])(
    "refuses %j",
    (text) => expect(decodeText(ascii(text))).toBeUndefined(),
  );

  it("has trailers as lines in a frame of their own", () => {
    const sent = Buffer.from(trailerFrame({ "grpc-status": "0", "x-many": ["a", "b"] }));
    expect([sent[0], sent.readUInt32BE(1)]).toEqual([0x80, sent.length - 5]);
    expect(sent.subarray(5).toString()).toBe("grpc-status: 0\r\nx-many: a\r\nx-many: b\r\n");
  });
});

describe("a message of gRPC's status", () => {
  it("survives percent-encoding, lone surrogates aside, in printable ASCII", () => {
    const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        const encoded = percentEncode(text);
        expect(encoded).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeURIComponent(encoded)).toBe(Buffer.from(text, "utf8").toString("utf8"));
      }),
    );
  });
});
