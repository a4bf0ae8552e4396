import { createHash, randomBytes } from "node:crypto";
import { base32 } from "./totp.js";

/** How many codes an account gets. */
const count = 10;
const codeBytes = 10;

/** New recovery codes of 80 random bits each, in groups of four characters. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: count }, () => {
    const code = base32(randomBytes(codeBytes)).toLowerCase();
    return (code.match(/.{4}/g) ?? []).join("-");
  });
}

/** What is stored of a recovery code, SHA-256; hyphens, spaces and case do not count. */
export function hashRecoveryCode(code: string): Uint8Array {
  const plain = code.toLowerCase().replace(/[^a-z2-7]/g, "");
  return createHash("sha256").update(plain).digest();
}
