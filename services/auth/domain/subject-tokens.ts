import { decodeProtectedHeader } from "jose";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Principal } from "../../kit/context.js";
import { workloadName } from "../../kit/contract/workloads.js";
import {
  accessAudience,
  createTokenVerifier,
  type Jwk,
  type TokenVerifier,
  tokenTypes,
} from "../../kit/tokens.js";

/** The principal of a token that a workload wants to exchange. Throws TOKEN_INVALID or TOKEN_EXPIRED. */
export type VerifySubject = (caller: Workload, token: string) => Promise<Principal>;

/**
 * Verifies what may be exchanged: by the gateway an access token, by any other
 * workload an internal token for itself, or the access token that a gateway in
 * its own process passed on.
 */
export function subjectTokens(options: {
  readonly keys: () => Promise<readonly Jwk[]>;
  /** `iss` of the tokens. */
  readonly issuer: string;
  readonly clock: Clock;
}): VerifySubject {
  const access = createTokenVerifier({ ...options, kind: "access", audience: accessAudience });
  const internal = new Map<Workload, TokenVerifier>();
  const internalOf = (caller: Workload): TokenVerifier => {
    const audience = workloadName(caller);
    const verifier = internal.get(caller) ?? createTokenVerifier({ ...options, kind: "internal", audience });
    internal.set(caller, verifier);
    return verifier;
  };
  return (caller, token) => {
    const verifier = caller === Workload.GATEWAY || claimsAccess(token) ? access : internalOf(caller);
    return verifier.verify(token);
  };
}

// Only chooses the verifier, which checks the type again under the signature.
function claimsAccess(token: string): boolean {
  try {
    return decodeProtectedHeader(token).typ === tokenTypes.access;
  } catch {
    return false;
  }
}
