import { type JWTHeaderParameters, jwtVerify } from "jose";
import type { Clock } from "./clock.js";
import type { Principal } from "./context.js";
import { refuseOversized, tokenError, verified, verifyOptions } from "./tokens/checked-jwt.js";
import { principalFromClaims, type TokenKind, tokenIssuer, tokenTypes } from "./tokens/claims.js";
import { createKeyRing, type Jwk, type KeyRing } from "./tokens/key-ring.js";
import { rememberVerified } from "./tokens/verified-cache.js";

export { accessAudience, principalClaims, type TokenKind, tokenIssuer, tokenTypes } from "./tokens/claims.js";
export type { Jwk } from "./tokens/key-ring.js";
export { type WorkloadToken, workloadToken, workloadTokenHeader } from "./tokens/workload-token.js";

/** Tells what tokens prove. */
export interface TokenVerifier {
  /**
   * The principal that the token stands for. Throws TOKEN_EXPIRED; TOKEN_INVALID
   * for anything else that is wrong with it; DEPENDENCY_UNAVAILABLE when the
   * keys cannot be had.
   */
  verify(token: string): Promise<Principal>;
}

interface Expected {
  /** The public keys, as auth's `GetJwks` answers them. */
  readonly keys: () => Promise<readonly Jwk[]>;
  readonly kind: TokenKind;
  /** `accessAudience`, or the name of the workload that verifies. */
  readonly audience: string;
  readonly clock: Clock;
}

/** Verifies one kind of token for one audience: RS256 by a published key, issuer, type, times and claims. */
export function createTokenVerifier(expected: Expected): TokenVerifier {
  const ring = createKeyRing(expected);
  const check = rememberVerified((token) => checkToken(token, ring, expected), expected.clock);
  return {
    verify: (token) =>
      check(token).catch((error) => {
        throw tokenError(error);
      }),
  };
}

async function checkToken(token: string, ring: KeyRing, { kind, audience, clock }: Expected) {
  refuseOversized(token);
  const options = { algorithms: ["RS256"], issuer: tokenIssuer, audience, typ: tokenTypes[kind] };
  const { payload } = await jwtVerify(
    token,
    (header) => findKey(header, ring),
    verifyOptions(clock, options),
  );
  return verified(payload, principalFromClaims(payload), clock);
}

async function findKey({ kid }: Partial<JWTHeaderParameters>, ring: KeyRing) {
  const key = typeof kid === "string" ? await ring.find(kid) : undefined;
  if (!key) throw new Error("no published key has the token's key id");
  return key;
}
