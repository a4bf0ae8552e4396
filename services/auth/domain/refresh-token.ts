import { createHash, randomBytes } from "node:crypto";
import { keyedHash } from "./keyed-hash.js";

// Lets scanners for leaked secrets recognise one.
const prefix = "crt_";

/** A refresh token, which its owner gets, and what is stored of it. */
export interface RefreshToken {
  readonly token: string;
  /** SHA-256 of the token. */
  readonly hash: Uint8Array;
}

/** A new refresh token: 256 random bits, so that a plain hash of it cannot be turned back. */
export function newRefreshToken(): RefreshToken {
  return made(randomBytes(32));
}

/** Makes the token that replaces another. */
export type Successor = (token: string) => RefreshToken;

/**
 * Derives successors under a key-encryption key: who presents a token twice
 * gets the same one, although no token is stored, and nobody else can tell it.
 */
export function successors(keyEncryptionKey: Uint8Array): Successor {
  const derive = keyedHash(keyEncryptionKey, "successors of refresh tokens");
  return (token) => made(derive(token));
}

function made(secret: Buffer): RefreshToken {
  const token = prefix + secret.toString("base64url");
  return { token, hash: hashRefreshToken(token) };
}

/** What is stored of a refresh token. */
export function hashRefreshToken(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
