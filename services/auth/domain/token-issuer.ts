import { SignJWT } from "jose";
import type { Clock } from "../../kit/clock.js";
import type { Principal } from "../../kit/context.js";
import { newId } from "../../kit/ids.js";
import { accessAudience, principalClaims, type TokenKind, tokenTypes } from "../../kit/tokens.js";
import type { SigningKey } from "./signing-keys.js";

/** Seconds that an internal token lives. */
export const internalLifetime = 60;

/** Signs tokens. */
export interface TokenIssuer {
  /** A token for the platform's edge; it lives as long as access tokens do unless seconds are given. */
  access(principal: Principal, lifetime?: number): Promise<string>;
  /** A token for one workload, by name. */
  internal(principal: Principal, audience: string): Promise<string>;
}

interface Options {
  /** The key that signs now. */
  readonly key: () => SigningKey;
  /** `iss` of the tokens. */
  readonly issuer: string;
  readonly clock: Clock;
  /** Seconds that an access token lives. */
  readonly accessLifetime: number;
}

/** Signs with the current key, whose id goes into the header. */
export function createTokenIssuer({ key, issuer, clock, accessLifetime }: Options): TokenIssuer {
  const sign = (principal: Principal, kind: TokenKind, audience: string, lifetime: number) => {
    const { kid, algorithm: alg, privateKey } = key();
    const issuedAt = Math.floor(clock.now() / 1000);
    return new SignJWT({ ...principalClaims(principal) })
      .setProtectedHeader({ alg, typ: tokenTypes[kind], kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetime)
      .setJti(newId())
      .sign(privateKey);
  };
  return {
    access: (principal, lifetime = accessLifetime) => sign(principal, "access", accessAudience, lifetime),
    internal: (principal, audience) => sign(principal, "internal", audience, internalLifetime),
  };
}
