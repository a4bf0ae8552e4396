import fc from "fast-check";
import { expect, it } from "vitest";
import { offsetToken, readOffsetToken } from "../../../services/analytics/domain/offset-token.js";
import { thrownBy } from "../../support/expect-reason.js";

const query = Buffer.from("a query");
const invalid = { code: "InvalidArgument", reason: "PAGE_TOKEN_INVALID" };

it("leads to where the page begins, and to the first one without a token", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), (offset) => {
      expect(readOffsetToken(offsetToken(offset, query), query)).toBe(offset);
    }),
  );
  expect(readOffsetToken("", query)).toBe(0);
});

it("is good for its own query alone", () => {
  const token = offsetToken(100, query);
  expect(thrownBy(() => readOffsetToken(token, Buffer.from("another")))).toMatchObject(invalid);
});

it("refuses what it did not make", () => {
  const token = offsetToken(100, query);
  const texts = fc.oneof(fc.string({ unit: "grapheme", minLength: 1 }), fc.base64String({ minLength: 1 }));
  fc.assert(
    fc.property(texts, (text) => {
      fc.pre(text !== token);
      expect(thrownBy(() => readOffsetToken(text, query))).toMatchObject(invalid);
    }),
  );
  for (const text of [`${token}A`, `${token}=`, token.slice(0, -1), ` ${token}`]) {
    expect(thrownBy(() => readOffsetToken(text, query))).toMatchObject(invalid);
  }
});
