import { brotliCompressSync, gzipSync } from "node:zlib";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { requestCompression, responseCompression } from "../../../../services/kit/serve/unary/compression.js";

const found = (name: string) => {
  const compression = requestCompression(name);
  if (!compression || compression === "unknown") throw new Error(`${name} is not supported`);
  return compression;
};
const codeOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => "read",
    ({ code }) => code,
  );

describe.each([
  ["gzip", gzipSync],
  ["br", brotliCompressSync],
])("%s", (name, compress) => {
  it("gives back what it was given", async () => {
    const data = Buffer.from("a text ".repeat(500));
    expect(Buffer.from(await found(name).decompress(compress(data), 4000))).toEqual(data);
    const packed = await found(name).compress(data);
    expect(packed.length).toBeLessThan(data.length);
    expect(Buffer.from(await found(name).decompress(packed, 4000))).toEqual(data);
  });

  it("stops at the limit, however small the bomb", async () => {
    const bomb = compress(Buffer.alloc(20_000_000));
    expect(await codeOf(found(name).decompress(bomb, 10_000))).toBe(Code.ResourceExhausted);
  });

  it("refuses what is truncated or something else", async () => {
    const whole = compress(Buffer.from("a text ".repeat(500)));
    for (const broken of [whole.subarray(0, whole.length - 9), Buffer.from("no such thing")]) {
      expect(await codeOf(found(name).decompress(broken, 10_000))).toBe(Code.InvalidArgument);
    }
  });
});

describe("negotiation", () => {
  it.each([
    [undefined, undefined, undefined],
    ["", undefined, undefined],
    ["gzip", undefined, "gzip"],
    ["snappy, br;q=0.5, gzip", undefined, "br"],
    ["gzip;q=0, br", undefined, "br"],
    ["identity", "gzip", undefined],
    [undefined, "gzip", "gzip"],
    ["GZIP", undefined, "gzip"],
  ])("of %s, with requests in %s, takes %s", (accepted, request, taken) => {
    const used = request === undefined ? undefined : found(request);
    expect(responseCompression(accepted, used)?.name).toBe(taken);
  });

  it("knows what it does not know", () => {
    expect([undefined, "", "identity", "snappy"].map((name) => requestCompression(name))).toEqual([
      undefined,
      undefined,
      undefined,
      "unknown",
    ]);
  });
});
