import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCookie, writeCookie } from "../../../services/gateway/edge/cookies.js";

describe("a cookie", () => {
  it.each([
    ["a=1", "1"],
    ["b=2; a=1; c=3", "1"],
    ["b=2;a=1", "1"],
    ["a=1=2", "1=2"],
    ["aa=1; xa=2", undefined],
    ["a=", undefined],
    ["a", undefined],
    ["", undefined],
    ["a=1; a=2", undefined],
  ])("in %j is read as %s", (header, value) => {
    expect(readCookie(header, "a")).toBe(value);
  });

  it("is read as it was written, whatever stands beside it", () => {
    const token = fc.stringMatching(/^[\w.~-]{1,40}$/);
    fc.assert(
      fc.property(token, fc.array(token), (value, others) => {
        const pairs = [...others.map((other, index) => `other${index}=${other}`), `mine=${value}`];
        expect(readCookie(pairs.reverse().join("; "), "mine")).toBe(value);
        expect(writeCookie({ name: "mine", value, maxAge: 5 }).split(";", 1)[0]).toBe(`mine=${value}`);
      }),
    );
  });

  it("is told from any other text without failing", () => {
    fc.assert(fc.property(fc.string(), (header) => void readCookie(header, "a")));
  });

  it("is written for this host, TLS and our own pages alone", () => {
    expect(writeCookie({ name: "__Host-a", value: "v", maxAge: 5 })).toBe(
      "__Host-a=v; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=5",
    );
    expect(writeCookie({ name: "__Host-a", value: "v", maxAge: 5, readable: true })).not.toContain(
      "HttpOnly",
    );
  });
});
