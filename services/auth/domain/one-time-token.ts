import { createHash, randomBytes } from "node:crypto";

/** What a token is for, as its prefix says, which lets scanners for leaked secrets recognise it. */
export type TokenUse = "invitation" | "reset" | "confirmation";

const marks: Readonly<Record<TokenUse, string>> = {
  invitation: "cin_",
  reset: "cpr_",
  confirmation: "cec_",
};

/** A token that works once, which its owner gets, and what is stored of it. */
export interface OneTimeToken {
  readonly token: string;
  readonly hash: Uint8Array;
}

/** A new token of 256 random bits, so that a plain hash of it cannot be turned back. */
export function newOneTimeToken(use: TokenUse): OneTimeToken {
  const token = marks[use] + randomBytes(32).toString("base64url");
  return { token, hash: hashOneTimeToken(token) };
}

/** What is stored of a token: SHA-256. */
export function hashOneTimeToken(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
