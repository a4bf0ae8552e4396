import { hash } from "node:crypto";

const shape = /^cek_([A-Za-z0-9]{8})_[A-Za-z0-9_-]{43}$/;

/** Begins every API key, so that scanners for leaked secrets recognise one. */
export const apiKeyMark = "cek_";

/** Header in which a client sends an API key, in place of `authorization`. */
export const apiKeyHeader = "x-api-key";

/** What an API key is known by. */
export interface KnownKey {
  /** The eight characters that its owner may see. */
  readonly prefix: string;
  /** SHA-256 of the whole key. */
  readonly hash: Uint8Array;
}

/** Reads an API key, `cek_<prefix>_<43 characters>`; undefined when it does not look like one. */
export function readApiKey(key: string): KnownKey | undefined {
  const prefix = shape.exec(key)?.[1];
  return prefix === undefined ? undefined : { prefix, hash: hash("sha256", key, "buffer") };
}
