import { ConnectError } from "@connectrpc/connect";
import { type JWTPayload, type JWTVerifyOptions, errors as jose } from "jose";
import type { Clock } from "../clock.js";
import { errors } from "../errors.js";
import type { Verified } from "./verified-cache.js";

/** How far the clocks of issuer and verifier may be apart, in seconds. Expiry gets none of it. */
export const leewaySeconds = 5;

/** Longest token that is looked at, in characters. */
const maximumLength = 8192;
const visible = /^[\x21-\x7e]+$/;

/** Refuses what no token of ours looks like. */
export function refuseMalformed(token: string): void {
  if (token.length > maximumLength) throw errors.tokenInvalid(new Error("the token is too long"));
  if (!visible.test(token)) throw errors.tokenInvalid(new Error("the token has characters that none has"));
}

/** What every token of ours is checked against beside its signature. */
export function verifyOptions(clock: Clock, options: JWTVerifyOptions): JWTVerifyOptions {
  return {
    ...options,
    requiredClaims: ["iat", "exp", "jti"],
    clockTolerance: leewaySeconds,
    currentDate: new Date(clock.now()),
  };
}

/** Pairs what a payload proves with its expiry; refuses a payload that proves nothing or comes from the future. */
export function verified<T extends object>(
  payload: JWTPayload,
  result: T | undefined,
  clock: Clock,
): Verified<T> {
  const { iat = Number.POSITIVE_INFINITY, exp = 0 } = payload;
  if (!result) throw errors.tokenInvalid(new Error("a claim is missing or has the wrong type"));
  if (iat > clock.now() / 1000 + leewaySeconds) throw errors.tokenInvalid(new Error("issued in the future"));
  return { result, expiresAt: exp * 1000 };
}

/** Our error for one of the JWT library, of which only the message is kept: its errors carry the whole payload. */
export function tokenError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof jose.JWTExpired) return errors.tokenExpired();
  return errors.tokenInvalid(new Error(error instanceof Error ? error.message : "not verifiable"));
}
