import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seal, unseal } from "../../../services/kit/sealing/sealed.js";

const key = randomBytes(32);

describe("what is sealed", () => {
  it("comes back under the same key and label", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (plain, label) => {
        expect(new Uint8Array(unseal(seal(plain, key, label), key, label))).toEqual(plain);
      }),
    );
  });

  it("does not come back when a byte has changed", () => {
    const sealed = seal(Buffer.from("private"), key, "k1");
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(sealed, (byte, i) => (i === at ? byte ^ flip : byte));
        expect(() => unseal(changed, key, "k1")).toThrow();
      }),
    );
  });

  it("does not come back under another key or label, or cut short", () => {
    const sealed = seal(Buffer.from("private"), key, "k1");
    expect(() => unseal(sealed, randomBytes(32), "k1")).toThrow();
    expect(() => unseal(sealed, key, "k2")).toThrow();
    expect(() => unseal(sealed.subarray(0, 20), key, "k1")).toThrow();
  });

  it("never looks the same twice", () => {
    const plain = Buffer.from("private");
    expect(seal(plain, key, "k1")).not.toEqual(seal(plain, key, "k1"));
  });
});
