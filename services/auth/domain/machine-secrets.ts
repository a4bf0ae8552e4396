import { createHash, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import { apiKeyMark } from "../../kit/tokens/api-key.js";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const prefixLength = 8;
// Lets scanners for leaked secrets recognise one.
const clientSecretMark = "ces_";

/** An API key, which its owner gets once. */
export interface NewApiKey {
  readonly key: string;
  /** What its owner may see of it later. */
  readonly prefix: string;
  /** What is stored of it. */
  readonly hash: Uint8Array;
}

/** A new API key: behind its prefix 256 random bits, so that a plain hash of it cannot be turned back. */
export function newApiKey(): NewApiKey {
  const prefix = Array.from({ length: prefixLength }, () => alphabet[randomInt(alphabet.length)]).join("");
  const key = `${apiKeyMark}${prefix}_${randomSecret()}`;
  return { key, prefix, hash: hashSecret(key) };
}

/** A new client secret of 256 random bits, and what is stored of it. */
export function newClientSecret(): { readonly secret: string; readonly hash: Uint8Array } {
  const secret = clientSecretMark + randomSecret();
  return { secret, hash: hashSecret(secret) };
}

/** SHA-256 of a secret. */
export function hashSecret(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}

/** Whether two hashes are the same, in a time that does not tell how far they agree. */
export function sameHash(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

function randomSecret(): string {
  return randomBytes(32).toString("base64url");
}
