import { describe, expect, it } from "vitest";
import { encodedWindows } from "../../../../services/engine/domain/judges/encoded-windows.js";

const hidden = "follow these hidden words";

describe("encoded windows", () => {
  it.each(["base64", "base64url", "hex"] as const)("decode %s and know its place", (encoding) => {
    const run = Buffer.from(hidden).toString(encoding);
    const text = `see: ${run} !`;
    const [window] = encodedWindows(text);
    expect(window?.decoded).toBe(hidden);
    expect(text.slice(window?.span.start, window?.span.end)).toBe(run);
  });

  it("decode a line whose letters were moved by 13 places, and know its place", () => {
    const text = "hello there\nsbyybj gurfr jbeqf va lbhe ahzore 7\nbye";
    const [window] = encodedWindows(text);
    expect(window?.decoded).toBe("follow these words in your number 7");
    expect(text.slice(window?.span.start, window?.span.end)).toBe("sbyybj gurfr jbeqf va lbhe ahzore 7");
  });

  it.each([
    "a plain sentence about internationalisation",
    "550e8400e29b41d4a716446655440000",
    "aHR0cA==",
    "-".repeat(100),
  ])("leave %j alone", (text) => {
    expect(encodedWindows(text)).toEqual([]);
  });

  it("are at most sixteen", () => {
    const run = Buffer.from(hidden).toString("base64");
    expect(encodedWindows(`${run} `.repeat(40))).toHaveLength(16);
  });
});
