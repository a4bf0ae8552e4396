import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newApiKey } from "../../../services/auth/domain/machine-secrets.js";
import { readApiKey } from "../../../services/kit/tokens/api-key.js";

describe("readApiKey", () => {
  it("reads what is made, by prefix and hash", () => {
    for (let count = 0; count < 100; count += 1) {
      const { key, prefix, hash } = newApiKey();
      const known = readApiKey(key);
      expect(known?.prefix).toBe(prefix);
      expect(Buffer.from(known?.hash ?? [])).toEqual(createHash("sha256").update(key).digest());
      expect(Buffer.from(hash)).toEqual(Buffer.from(known?.hash ?? []));
    }
  });

  it("reads nothing that is a character longer, shorter or other", () => {
    const { key } = newApiKey();
    const odd = fc.constantFrom("", "!", "é", "\0", " ", "\n", "=");
    fc.assert(
      fc.property(fc.nat(key.length), odd, (at, character) => {
        const changed = key.slice(0, at) + character + key.slice(at + 1);
        expect(readApiKey(changed) === undefined || changed === key).toBe(true);
        expect(readApiKey(`${key}${character || "x"}`)).toBeUndefined();
      }),
    );
  });

  it("reads no key in any other text, and fails on none", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readApiKey(text)).toBeUndefined();
        expect(readApiKey(`cek_${text}`)).toBeUndefined();
      }),
    );
  });
});
