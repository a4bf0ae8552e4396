import { createHash, randomBytes } from "node:crypto";

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
  const token = prefix + randomBytes(32).toString("base64url");
  return { token, hash: hashRefreshToken(token) };
}

/** What is stored of a refresh token. */
export function hashRefreshToken(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
