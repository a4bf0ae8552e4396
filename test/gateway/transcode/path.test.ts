import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decode,
  decodeKeepingSlashes,
  decodeQuery,
  splitTarget,
} from "../../../services/gateway/transcode/path.js";

const text = fc.string({ unit: "grapheme" });

describe("splitTarget", () => {
  it.each([
    ["/a/../b", "/a/../b", ""],
    ["/a%2Fb?x=%20", "/a%2Fb", "x=%20"],
    ["/a?b?c=d", "/a", "b?c=d"],
    ["/a?", "/a", ""],
    ["http://host:80/a//b?q", "/a//b", "q"],
    ["http://host", "/", ""],
    ["http://host?q", "/", "q"],
    ["//host/a", "//host/a", ""],
    ["*", "*", ""],
  ])("splits %s without changing it", (url, path, query) => {
    expect(splitTarget(url)).toEqual({ path, query });
  });

  it.each([
    ["/é", "a character outside ASCII must be percent-encoded"],
    ["/a\u007f", "a character outside ASCII must be percent-encoded"],
    ["/a#b", "a fragment is never sent"],
  ])("refuses %j", (url, problem) => {
    expect(() => splitTarget(url)).toThrow(`The URL is malformed: ${problem}.`);
  });
});

describe("decoding", () => {
  it("undoes an encoding exactly once", () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(decode(encodeURIComponent(value))).toBe(value);
        expect(decodeQuery(encodeURIComponent(value))).toBe(value);
        expect(decode(encodeURIComponent(encodeURIComponent(value)))).toBe(encodeURIComponent(value));
      }),
    );
  });

  it("keeps encoded slashes byte for byte where several segments are captured", () => {
    fc.assert(
      fc.property(fc.array(text), fc.constantFrom("%2F", "%2f"), (parts, slash) => {
        const raw = parts.map(encodeURIComponent).join(slash);
        const plain = parts.map((part) => part.replaceAll("/", "%2F")).join(slash);
        expect(decodeKeepingSlashes(raw)).toBe(plain);
      }),
    );
  });

  it("reads + as a space in a query only", () => {
    expect(decodeQuery("a+b%2B")).toBe("a b+");
    expect(decode("a+b")).toBe("a+b");
  });

  it.each(["%", "%2", "%zz", "%ff", "%C3", "%C0%AF", "%ED%A0%80", "%C3%2F"])("refuses %s", (raw) => {
    for (const read of [decode, decodeKeepingSlashes, decodeQuery]) {
      expect(() => read(raw)).toThrow(/^\[invalid_argument\] The URL is malformed/);
    }
  });
});
