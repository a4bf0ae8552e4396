import { expect, it } from "vitest";
import { finds } from "./finds.js";

const secret = "black powder";

it.each([0, 1, 2, 3])("a secret is found as it is and in base64, with %i bytes before it", (before) => {
  const bytes = Buffer.from(`${"x".repeat(before)}${secret} and more`);
  expect(finds(bytes, secret)).toBe(true);
  expect(finds(Buffer.from(`{"data":"${bytes.toString("base64")}"}`), secret)).toBe(true);
});

it("another text is no secret", () => {
  const other = Buffer.from("The library opens at nine in the morning.");
  expect(finds(other, secret)).toBe(false);
  expect(finds(Buffer.from(other.toString("base64")), secret)).toBe(false);
});
