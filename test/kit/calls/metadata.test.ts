import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Metadata } from "../../../services/kit/calls/metadata.js";

const names = ["x-one", "X-Two", "accept", "Set-Cookie", "x-data-bin"];
const name = fc.constantFrom(...names);
const value = fc.stringMatching(/^[ \t]{0,2}[!-~]{0,12}( [!-~]{1,5})?[ \t]{0,2}$/);
const change = fc.oneof(
  fc.record({ kind: fc.constantFrom("set" as const, "append" as const), name, value }),
  fc.record({ kind: fc.constant("delete" as const), name, value: fc.constant("") }),
);
const received = fc.record(
  { "x-one": value, accept: value, "set-cookie": fc.array(value, { maxLength: 2 }) },
  { requiredKeys: [] },
);

function seen(headers: Headers) {
  const each: [string, string][] = [];
  headers.forEach((text, key) => {
    each.push([key, text]);
  });
  return {
    all: [...headers],
    each,
    keys: [...headers.keys()],
    values: [...headers.values()],
    cookies: headers.getSetCookie(),
    read: names.map((one) => [headers.get(one), headers.has(one)]),
  };
}

describe("metadata", () => {
  it("is what Headers make of the same changes", () => {
    fc.assert(
      fc.property(received, fc.array(change, { maxLength: 8 }), (given, changes) => {
        const trimmed = Object.entries(given).flatMap(([key, text]) =>
          [text].flat().map((one) => [key, one.trim()] as [string, string]),
        );
        const theirs = new Headers(trimmed);
        const node = Object.fromEntries(
          Object.entries(given).map(([key, text]) => [
            key,
            typeof text === "string" ? text.trim() : text.map((one) => one.trim()),
          ]),
        );
        const ours = new Metadata(node);
        for (const { kind, name: key, value: text } of changes) {
          for (const headers of [ours, theirs]) {
            if (kind === "delete") headers.delete(key);
            else headers[kind](key, text);
          }
        }
        expect(seen(ours)).toEqual(seen(theirs));
      }),
    );
  });

  it("leaves what was received as it was, pseudo-headers out", () => {
    const node = { ":path": "/p", "x-one": "1", accept: "*/*" };
    const metadata = new Metadata(node);
    metadata.set("x-one", "2");
    metadata.delete("accept");
    expect([...metadata]).toEqual([["x-one", "2"]]);
    expect(metadata.get(":path")).toBeNull();
    expect(node).toEqual({ ":path": "/p", "x-one": "1", accept: "*/*" });
  });

  it.each(["constructor", "__proto__", "toString"])("has no %s that nobody sent", (key) => {
    expect(new Metadata({}).get(key)).toBeNull();
    expect(new Metadata().has(key)).toBe(false);
  });

  it.each([
    ["a name", "x y", "1"],
    ["a value with a line break", "x", "1\r\nset-cookie: a=b"],
    ["a value beyond Latin-1", "x", "\u{1f600}"],
    ["a value with a NUL", "x", "a\u0000b"],
  ])("refuses %s that would not pass the wire", (_, key, text) => {
    expect(() => new Metadata().set(key, text)).toThrow(TypeError);
    expect(() => new Metadata().append(key, text)).toThrow(TypeError);
  });
});
