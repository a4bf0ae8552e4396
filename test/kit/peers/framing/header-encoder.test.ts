import type { OutgoingHttpHeaders } from "node:http2";
import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeaderDecoder } from "../../../../services/kit/peers/framing/header-decoder.js";
import { HeaderEncoder } from "../../../../services/kit/peers/framing/header-encoder.js";

const origin = { ":scheme": "http", ":authority": "here" };
const call = { ":method": "POST", ":path": "/a/b" };

/** An encoder, and a decoder that hears of every block. */
function pair(list = Number.POSITIVE_INFINITY) {
  const encoder = new HeaderEncoder(origin);
  const decoder = new HeaderDecoder(4096);
  const pass = (headers: OutgoingHttpHeaders) => {
    const block = Buffer.from(encoder.encode(headers, list));
    const fields: [string, string][] = [];
    decoder.decode(block, ({ name, value }) => fields.push([name, value]));
    return { block, fields };
  };
  return { encoder, decoder, pass };
}

const name = fc
  .stringMatching(/^[a-z0-9-]{1,20}$/)
  .filter((text) => !["connection", "te", "upgrade"].includes(text));
const value = fc.stringMatching(/^[!-~\xa0-\xff]([ -~\xa0-\xff]{0,40}[!-~\xa0-\xff])?$/);
const headers = fc.dictionary(name, fc.oneof(fc.constantFrom("one", "two", ""), value), { maxKeys: 8 });

describe("a header block", () => {
  it("has the pseudo-headers first, and those of the connection where the call has none", () => {
    const { fields } = pair().pass({ "x-one": "1", ...call });
    expect(fields.slice(0, 4)).toEqual([
      [":method", "POST"],
      [":scheme", "http"],
      [":authority", "here"],
      [":path", "/a/b"],
    ]);
    expect(pair().pass({ ...call, ":authority": "there" }).fields[2]).toEqual([":authority", "there"]);
  });

  it("is read as it was meant, in any order of blocks and sizes of the table", () => {
    const steps = fc.array(fc.tuple(headers, fc.option(fc.nat(6000))), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (given) => {
        const { encoder, decoder, pass } = pair();
        for (const [one, size] of given) {
          if (size !== null) encoder.limitTable(size);
          const { fields } = pass({ ...call, ...one });
          expect(Object.fromEntries(fields.slice(4))).toEqual(Object.fromEntries(Object.entries(one)));
          expect(encoder.tableSize).toBe(decoder.tableSize);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("takes one octet for each field that has come twice", () => {
    const { pass } = pair();
    const usual = { ...call, "content-type": "application/grpc", te: "trailers", "x-one": "1" };
    pass(usual);
    pass(usual);
    expect(pass(usual).block).toHaveLength(7);
  });

  it("has several fields for several values", () => {
    expect(
      pair()
        .pass({ ...call, "x-one": ["1", "2"], "x-two": 3 })
        .fields.slice(4),
    ).toEqual([
      ["x-one", "1"],
      ["x-one", "2"],
      ["x-two", "3"],
    ]);
  });

  it.each(["authorization", "cookie", "x-api-key", "x-workload-token", "proxy-authorization"])(
    "never lets %s into a table, here or further on",
    (secret) => {
      const { encoder, pass } = pair();
      pass({ ...call, [secret]: "s3cret" });
      pass({ ...call, [secret]: "s3cret" });
      const size = encoder.tableSize;
      const { block } = pass({ ...call, [secret]: "s3cret" });
      expect(encoder.tableSize).toBe(size);
      // The first four are indexed by now; the literal's pattern is 0001.
      expect(block[4]! >>> 4).toBe(1);
      expect(block.toString("latin1")).toContain("s3cret");
    },
  );

  it("keeps what changes with each call out of the table", () => {
    const { encoder, pass } = pair();
    for (let i = 0; i < 3; i += 1) pass(call);
    const size = encoder.tableSize;
    for (let i = 0; i < 3; i += 1) pass({ ...call, traceparent: "00-1", "grpc-timeout": "1m" });
    expect(encoder.tableSize).toBe(size);
  });

  it("says first what became of the table's size: the least, and the last (RFC 7541, section 4.2)", () => {
    const { encoder, pass } = pair();
    encoder.limitTable(1337);
    expect(pass(call).block.subarray(0, 3).toString("hex")).toBe("3f9a0a");
    encoder.limitTable(10);
    encoder.limitTable(4096);
    expect(pass(call).block.subarray(0, 4).toString("hex")).toBe("2a3fe11f");
    encoder.limitTable(1_000_000);
    expect(pass(call).block[0]! >>> 5).not.toBe(1);
  });
});

describe("headers that HTTP/2 forbids are refused:", () => {
  it.each([
    ["what is about a connection", { connection: "close" }],
    ["te that is no trailers", { te: "gzip" }],
    ["an upper-case name", { "X-One": "1" }],
    ["a pseudo-header of answers", { ":status": "200" }],
    ["an empty name", { "": "1" }],
    ["a line feed", { "x-one": "a\nb" }],
    ["space around a value", { "x-one": " a" }],
    ["more than octets can say", { "x-one": "€" }],
  ])("%s, and the next block is read as it was meant", (_, forbidden) => {
    const { encoder, decoder, pass } = pair();
    pass({ ...call, "x-two": "2" });
    expect(() => encoder.encode({ ...call, "x-two": "2", ...forbidden }, 1000)).toThrow(TypeError);
    expect(pass({ ...call, "x-two": "2" }).fields[4]).toEqual(["x-two", "2"]);
    expect(encoder.tableSize).toBe(decoder.tableSize);
  });

  it("more than the server takes", () => {
    const { pass } = pair(300);
    expect(pass(call).fields).toHaveLength(4);
    const large = () => pass({ ...call, "x-one": "a".repeat(200) });
    expect(large).toThrowError(expect.objectContaining({ code: Code.ResourceExhausted }));
  });
});

describe("an encoder", () => {
  it("forgets names that callers make up", () => {
    const { encoder, decoder, pass } = pair();
    for (let i = 0; i < 5000; i += 1) pass({ ...call, [`x-${i}`]: `${i}` });
    expect(encoder.namesKnown).toBeLessThan(150);
    expect(encoder.tableSize).toBe(decoder.tableSize);
  });
});
