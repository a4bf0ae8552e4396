import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pageTokenAfter, readPageToken } from "../../services/kit/page-token.js";
import { thrownBy } from "../support/expect-reason.js";

const query = fc.array(fc.string(), { maxLength: 4 });
const invalid = { code: "InvalidArgument", reason: "PAGE_TOKEN_INVALID" };

describe("page token", () => {
  it("brings back the object it follows", () => {
    fc.assert(
      fc.property(fc.uuid(), query, (id, filter) => {
        expect(readPageToken(pageTokenAfter(id, filter), filter)).toBe(id);
      }),
    );
  });

  it("means the first page when empty", () => {
    expect(readPageToken("", ["tenant"])).toBeUndefined();
  });

  it("is refused by another query", () => {
    fc.assert(
      fc.property(fc.uuid(), query, query, (id, one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(thrownBy(() => readPageToken(pageTokenAfter(id, one), other))).toMatchObject(invalid);
      }),
    );
  });

  it("is refused when any character of it changed", () => {
    const character = fc.constantFrom(..."ABCxyz019-_=+/ é");
    fc.assert(
      fc.property(fc.uuid(), fc.nat(37), character, (id, at, replacement) => {
        const token = pageTokenAfter(id, []);
        const changed = token.slice(0, at) + replacement + token.slice(at + 1);
        fc.pre(changed !== token);
        expect(thrownBy(() => readPageToken(changed, []))).toMatchObject(invalid);
      }),
    );
  });

  it("is refused when it is any other text", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(thrownBy(() => readPageToken(text, []))).toMatchObject(invalid);
      }),
    );
  });
});
