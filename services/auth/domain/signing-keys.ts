import { createPrivateKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { calculateJwkThumbprint } from "jose";
import { ConfigError } from "../../kit/config.js";
import type { Jwk } from "../../kit/tokens.js";
import { seal, unseal } from "./sealed.js";

const modulusBits = 2048;

/** A signing key as stored: the private half is sealed, with the key's id as label. */
export interface StoredKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  /** base64url. */
  readonly modulus: string;
  /** base64url. */
  readonly exponent: string;
  readonly sealedPrivateKey: Uint8Array;
  readonly createTime: Date;
}

/** Its public half. */
export type PublicKey = Pick<StoredKey, "kid" | "modulus" | "exponent">;

/** What signs tokens. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** A new RSA key, sealed for storage. */
export async function makeSigningKey(keyEncryptionKey: Uint8Array, createTime: Date): Promise<StoredKey> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", { modulusLength: modulusBits });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const kid = await calculateJwkThumbprint({ kty: "RSA", n, e });
  const der = privateKey.export({ type: "pkcs8", format: "der" });
  return { kid, modulus: n, exponent: e, sealedPrivateKey: seal(der, keyEncryptionKey, kid), createTime };
}

/** Opens a stored key. Throws `ConfigError` when it was sealed under another key-encryption key. */
export function openSigningKey(stored: StoredKey, keyEncryptionKey: Uint8Array): SigningKey {
  try {
    const key = unseal(stored.sealedPrivateKey, keyEncryptionKey, stored.kid);
    return { kid: stored.kid, privateKey: createPrivateKey({ key, type: "pkcs8", format: "der" }) };
  } catch {
    const expected = `the key that signing key ${stored.kid} was sealed under`;
    throw new ConfigError([{ name: "AUTH_KEY_ENCRYPTION_KEY", value: "(hidden)", expected }]);
  }
}

/** The public half, as the contract publishes it. */
export function toJwk({ kid, modulus, exponent }: PublicKey): Jwk {
  return { kty: "RSA", use: "sig", alg: "RS256", kid, n: modulus, e: exponent };
}
