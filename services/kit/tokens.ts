import { type JWTHeaderParameters, type JWTPayload, jwtVerify } from "jose";
import type { Answer } from "./answer.js";
import type { Clock } from "./clock.js";
import type { Principal } from "./context.js";
import { errors } from "./errors.js";
import { refuseMalformed, tokenError, verified, verifyOptions } from "./tokens/checked-jwt.js";
import { principalFromClaims, type TokenKind, tokenTypes } from "./tokens/claims.js";
import { createKeyRing, type Jwk, type KeyRing, signingAlgorithms } from "./tokens/key-ring.js";
import type { RevocationFeed } from "./tokens/revocation-feed.js";
import { rememberVerified, type Verified } from "./tokens/verified-cache.js";

export {
  accessAudience,
  defaultTokenIssuer,
  principalClaims,
  type TokenKind,
  tokenTypes,
} from "./tokens/claims.js";
export { type Jwk, type SigningAlgorithm, signingAlgorithms } from "./tokens/key-ring.js";
export { type WorkloadToken, workloadToken, workloadTokenHeader } from "./tokens/workload-token.js";

/** Tells what tokens prove. */
export interface TokenVerifier {
  /**
   * The principal that the token stands for. Throws TOKEN_EXPIRED;
   * TOKEN_REVOKED; TOKEN_INVALID for anything else that is wrong with it;
   * DEPENDENCY_UNAVAILABLE when the keys or the revocations cannot be had.
   */
  verify(token: string): Promise<Principal>;
  /** The same of a token that is known, at once unless its use has to wait; undefined for any other. */
  recall(token: string): Answer<Principal> | undefined;
}

interface Expected {
  /** The public keys, as auth's `GetJwks` answers them. */
  readonly keys: () => Promise<readonly Jwk[]>;
  /** `iss` of auth's tokens. */
  readonly issuer: string;
  readonly kind: TokenKind;
  /** `accessAudience`, or the name of the workload that verifies. */
  readonly audience: string;
  readonly clock: Clock;
  /** What ends tokens before they expire; undefined where they live too short for that. */
  readonly revocations?: RevocationFeed | undefined;
}

interface Proof extends Verified<Principal> {
  /** Second of the epoch. */
  readonly issuedAt: number;
  /** Of the feed, when the token was last found unrevoked. */
  generation: number;
}

/** Verifies one kind of token for one audience: RS256 or ES256 by a published key, issuer, type, times and claims. */
export function createTokenVerifier(expected: Expected): TokenVerifier {
  const ring = createKeyRing(expected);
  const { revocations, clock } = expected;
  return rememberVerified<Proof>({
    verify: (token) => checkToken(token, ring, expected).catch((error) => Promise.reject(tokenError(error))),
    ...(revocations && { admit: (proof) => admit(proof, revocations) }),
    clock,
  });
}

/** Refuses what was revoked, as soon as enough is known of that. */
function admit(proof: Proof, revocations: RevocationFeed): Promise<void> | undefined {
  const stale = revocations.ensureFresh();
  if (stale) return stale.then(() => refuseRevoked(proof, revocations));
  if (proof.generation !== revocations.generation) refuseRevoked(proof, revocations);
  return undefined;
}

function refuseRevoked(proof: Proof, revocations: RevocationFeed): void {
  const { generation } = revocations;
  if (revocations.isRevoked(proof.result, proof.issuedAt)) throw errors.tokenRevoked();
  proof.generation = generation;
}

async function checkToken(token: string, ring: KeyRing, expected: Expected): Promise<Proof> {
  refuseMalformed(token);
  const { kind, issuer, audience, clock } = expected;
  const options = { algorithms: [...signingAlgorithms], issuer, audience, typ: tokenTypes[kind] };
  const { payload } = await jwtVerify(
    token,
    (header) => findKey(header, ring),
    verifyOptions(clock, options),
  );
  return proofOf(payload, clock);
}

function proofOf(payload: JWTPayload, clock: Clock): Proof {
  const proof = verified(payload, principalFromClaims(payload), clock);
  return { ...proof, issuedAt: payload.iat ?? 0, generation: Number.NaN };
}

async function findKey({ kid, alg }: Partial<JWTHeaderParameters>, ring: KeyRing) {
  const found = typeof kid === "string" ? await ring.find(kid) : undefined;
  if (!found) throw new Error("no published key has the token's key id");
  if (found.alg !== alg) throw new Error("the token's key is of another algorithm");
  return found.key;
}
