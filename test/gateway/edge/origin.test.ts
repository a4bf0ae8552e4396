import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostOf, isOrigin } from "../../../services/gateway/edge/origin.js";

describe("an origin", () => {
  it.each(["https://app.example.com", "http://localhost:5173", "https://[::1]:8443", "https://1.2.3.4"])(
    "is %s",
    (text) => expect(isOrigin(text)).toBe(true),
  );

  it.each([
    "null",
    "*",
    "",
    "https://app.example.com/",
    "https://app.example.com:443",
    "https://App.example.com",
    "HTTPS://app.example.com",
    "https://user@app.example.com",
    "https://app.example.com?x",
    "https://app.example.com, https://other.example.com",
    "https://*.example.com",
    "ftp://app.example.com",
    "file://",
    "app.example.com",
    "https:app.example.com",
    " https://app.example.com",
  ])("is not %j", (text) => {
    expect(isOrigin(text)).toBe(false);
  });

  it("is what remains of any web address without its path", () => {
    fc.assert(
      fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), (address) => {
        const { origin, host } = new URL(address);
        expect(isOrigin(origin)).toBe(true);
        expect(hostOf(origin)).toBe(host);
        expect(isOrigin(`${origin}/`)).toBe(false);
      }),
    );
  });

  it("is told from any other text without failing", () => {
    fc.assert(fc.property(fc.string(), (text) => void isOrigin(text)));
  });
});
