import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHuffman } from "../../../../services/kit/peers/framing/huffman.js";
import { encodeHuffman, huffmanCodes } from "./huffman-code.js";

function decoded(octets: Uint8Array): Buffer {
  const target = Buffer.alloc(octets.length * 2);
  return target.subarray(0, decodeHuffman(octets, 0, octets.length, target));
}

const text = (hex: string) => decoded(Buffer.from(hex.replaceAll(" ", ""), "hex")).toString("latin1");

describe("the Huffman code", () => {
  it.each([
    ["f1e3 c2e5 f23a 6ba0 ab90 f4ff", "www.example.com"],
    ["a8eb 1064 9cbf", "no-cache"],
    ["25a8 49e9 5ba9 7d7f", "custom-key"],
    ["25a8 49e9 5bb8 e8b4 bf", "custom-value"],
    ["6402", "302"],
    ["640e ff", "307"],
    ["aec3 771a 4b", "private"],
    ["9bd9 ab", "gzip"],
    ["d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff", "Mon, 21 Oct 2013 20:13:21 GMT"],
    ["9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3", "https://www.example.com"],
    ["", ""],
  ])("reads %s as RFC 7541, appendix C does", (hex, expected) => {
    expect(text(hex)).toBe(expected);
  });

  it.each([
    [0x00, 0x1ff8, 13],
    [0x01, 0x7fffd8, 23],
    [0x0a, 0x3ffffffc, 30],
    [0x0d, 0x3ffffffd, 30],
    [0x16, 0x3ffffffe, 30],
    [0x5c, 0x7fff0, 19],
    [0x7c, 0x7fc, 11],
    [0xf9, 0xffffffe, 28],
    [0xff, 0x3ffffee, 26],
  ])("has the code of octet %i that appendix B prints", (octet, code, bits) => {
    expect(huffmanCodes.get(octet)).toBe(code.toString(2).padStart(bits, "0"));
  });

  it("has a code for each octet, and one left for the end of a string", () => {
    expect(huffmanCodes.size).toBe(256);
    const used = [...huffmanCodes.values()].reduce((sum, { length }) => sum + 2 ** (30 - length), 0);
    expect(used).toBe(2 ** 30 - 1);
  });

  it("gives back whatever was encoded", () => {
    const octets = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(octets, (given) => {
        expect(decoded(encodeHuffman(given))).toEqual(Buffer.from(given));
      }),
    );
  });

  it.each([
    ["a code that does not end", "1c ff ff"],
    ["padding of a whole octet", "1f ff"],
    ["padding with zeros", "18"],
    ["the code of the end", "ff ff ff ff"],
  ])("refuses %s", (_, hex) => {
    expect(() => text(hex)).toThrowError(expect.objectContaining({ errorCode: 9 }));
  });

  it("reads anything or refuses it with COMPRESSION_ERROR", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (given) => {
        try {
          expect(encodeHuffman(decoded(given))).toEqual(Buffer.from(given));
        } catch (error) {
          expect(error).toMatchObject({ errorCode: 9 });
        }
      }),
    );
  });
});
