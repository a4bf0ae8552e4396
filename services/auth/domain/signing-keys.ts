import { createPrivateKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { calculateJwkThumbprint } from "jose";
import { ConfigError } from "../../kit/config.js";
import { seal, unseal } from "../../kit/sealing/sealed.js";
import type { Jwk, SigningAlgorithm } from "../../kit/tokens.js";
import type { ScheduledKey } from "./key-rotation.js";

const modulusBits = 2048;

/** The members of a public key that depend on its type, base64url: a modulus and an exponent, or a point. */
export type PublicMembers =
  | { readonly n: string; readonly e: string }
  | { readonly x: string; readonly y: string };

/** A signing key as stored: the private half is sealed, with the key's id as label. */
export interface StoredKey extends ScheduledKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly members: PublicMembers;
  /** Undefined when it has been dropped. */
  readonly sealedPrivateKey: Uint8Array | undefined;
  readonly createTime: Date;
}

/** What signs tokens. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
}

/** What a new key is made of. */
export interface NewKey {
  readonly algorithm: SigningAlgorithm;
  readonly keyEncryptionKey: Uint8Array;
  readonly createTime: Date;
  readonly signTime: Date;
}

/** A new key, sealed for storage. */
export async function makeSigningKey({ keyEncryptionKey, ...schedule }: NewKey): Promise<StoredKey> {
  const { privateKey, publicKey } = await keyPair(schedule.algorithm);
  const { n = "", e = "", x = "", y = "" } = publicKey.export({ format: "jwk" });
  const members = schedule.algorithm === "RS256" ? { n, e } : { x, y };
  const kid = await calculateJwkThumbprint(jwkOf(members));
  const der = privateKey.export({ type: "pkcs8", format: "der" });
  return { ...schedule, kid, members, canSign: true, sealedPrivateKey: seal(der, keyEncryptionKey, kid) };
}

function keyPair(algorithm: SigningAlgorithm) {
  const generate = promisify(generateKeyPair);
  return algorithm === "RS256"
    ? generate("rsa", { modulusLength: modulusBits })
    : generate("ec", { namedCurve: "P-256" });
}

/** Opens a stored key. Throws `ConfigError` when it was sealed under another key-encryption key. */
export function openSigningKey(
  { kid, algorithm, sealedPrivateKey = new Uint8Array() }: StoredKey,
  keyEncryptionKey: Uint8Array,
): SigningKey {
  try {
    const key = unseal(sealedPrivateKey, keyEncryptionKey, kid);
    return { kid, algorithm, privateKey: createPrivateKey({ key, type: "pkcs8", format: "der" }) };
  } catch {
    const expected = `the key that signing key ${kid} was sealed under`;
    throw new ConfigError([{ name: "AUTH_KEY_ENCRYPTION_KEY", value: "(hidden)", expected }]);
  }
}

/** The public half, as the contract publishes it. */
export function toJwk({ kid, algorithm, members }: Pick<StoredKey, "kid" | "algorithm" | "members">): Jwk {
  return { ...jwkOf(members), use: "sig", alg: algorithm, kid };
}

function jwkOf(members: PublicMembers) {
  return "n" in members ? { kty: "RSA", ...members } : { kty: "EC", crv: "P-256", ...members };
}
