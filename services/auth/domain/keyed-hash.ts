import { createHmac, hkdfSync } from "node:crypto";

/** Hashes what must be found again but not read: names, addresses, networks. */
export type KeyedHash = (...parts: readonly string[]) => Buffer;

/**
 * HMAC-SHA-256 under a key that HKDF (RFC 5869) derives from the key-encryption
 * key for one purpose, so that nobody who reads the stored values can try names
 * or addresses against them.
 */
export function keyedHash(keyEncryptionKey: Uint8Array, purpose: string): KeyedHash {
  const key = Buffer.from(hkdfSync("sha256", keyEncryptionKey, "", purpose, 32));
  return (...parts) => createHmac("sha256", key).update(JSON.stringify(parts)).digest();
}
