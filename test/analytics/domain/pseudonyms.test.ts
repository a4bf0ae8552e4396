import { expect, it } from "vitest";
import { createPseudonyms, isPseudonym } from "../../../services/analytics/domain/pseudonyms.js";

const pseudonyms = createPseudonyms(Buffer.alloc(32, 1));

it("names an account of a tenant the same at any time and in each process that has the secret", () => {
  const again = createPseudonyms(Buffer.alloc(32, 1));
  expect(pseudonyms.of("acme", "ann")).toBe(again.of("acme", "ann"));
  expect(pseudonyms.of("acme", "ann")).toBe("MBn3n9Ffl9q1Y5ksfGWgxQ");
});

it("names it another way in another tenant, under another secret, and unlike any other account", () => {
  const other = createPseudonyms(Buffer.alloc(32, 2));
  const names = [
    pseudonyms.of("acme", "ann"),
    pseudonyms.of("acme", "bob"),
    pseudonyms.of("globex", "ann"),
    other.of("acme", "ann"),
  ];
  expect(new Set(names).size).toBe(names.length);
  expect(names.every(isPseudonym)).toBe(true);
});

it("knows a pseudonym from the id of an account, and has none for nobody", () => {
  expect(isPseudonym("019a0000-0000-7000-8000-000000000001")).toBe(false);
  expect(isPseudonym("ann")).toBe(false);
  expect(pseudonyms.of("acme", "")).toBe("");
});
