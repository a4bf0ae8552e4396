import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base32, codeOf, otpauthUri, stepOf, stepOfCode } from "../../../services/auth/domain/totp.js";

const secret = Buffer.from("12345678901234567890");

describe("codes of a second factor", () => {
  // RFC 6238, appendix B, the last six of its eight digits.
  it.each([
    [59, "287082"],
    [1111111109, "081804"],
    [1111111111, "050471"],
    [1234567890, "005924"],
    [2000000000, "279037"],
    [20000000000, "353130"],
  ])("are those of RFC 6238 at %i seconds", (seconds, code) => {
    expect(codeOf(secret, stepOf(seconds * 1000))).toBe(code);
  });

  it("are taken one step early and one step late, and no further", () => {
    const now = 1_800_000_000_000;
    const taken = [-2, -1, 0, 1, 2].map((offset) =>
      stepOfCode(secret, codeOf(secret, stepOf(now) + offset), now),
    );
    expect(taken).toEqual([undefined, stepOf(now) - 1, stepOf(now), stepOf(now) + 1, undefined]);
  });

  it.each(["", "28708", "2870823", "28708a", "２８７０８２", " 287082", "287082\n"])(
    "are six digits, not %j",
    (code) => {
      expect(stepOfCode(secret, code, 59_000)).toBeUndefined();
    },
  );
});

describe("base32", () => {
  it.each([
    ["", ""],
    ["f", "MY"],
    ["fo", "MZXQ"],
    ["foo", "MZXW6"],
    ["foob", "MZXW6YQ"],
    ["fooba", "MZXW6YTB"],
    ["foobar", "MZXW6YTBOI"],
  ])("of %j is that of RFC 4648 without padding", (text, encoded) => {
    expect(base32(Buffer.from(text))).toBe(encoded);
  });

  it("tells all bytes apart", () => {
    const bytes = fc.uint8Array({ minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => (base32(a) === base32(b)) === (Buffer.compare(a, b) === 0)),
    );
  });
});

describe("the otpauth URI", () => {
  it("names issuer and account, whatever they are", () => {
    const uri = new URL(otpauthUri(secret, "A & B", "ada?x=1"));
    expect(uri.protocol).toBe("otpauth:");
    expect(decodeURIComponent(uri.pathname)).toContain("A & B:ada?x=1");
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      secret: base32(secret),
      issuer: "A & B",
      algorithm: "SHA1",
      digits: "6",
      period: "30",
    });
  });
});
