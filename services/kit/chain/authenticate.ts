import { type Answer, withAnswer } from "../answer.js";
import { openCallOf, type Principal } from "../context.js";
import { errors } from "../errors.js";
import type { Layer } from "./chain.js";
import type { PrincipalOfWorkload } from "./workload-principal.js";

/** Verifies a bearer credential, one that it knows already at once; rejects with TOKEN_INVALID or TOKEN_EXPIRED. */
export type VerifyCredential = (credential: string) => Answer<Principal>;

const scheme = "bearer ";
const longestCredential = 8192;

/**
 * Finds out who asks. A principal that is already in the call's context was
 * verified by the co-located caller; the wire cannot put one there. Public
 * methods ask nobody. A workload that calls without a user's credential is the
 * principal that `ofWorkload` makes of it, where callers are workloads.
 */
export function authenticate(
  verify: VerifyCredential,
  ofWorkload: PrincipalOfWorkload = () => undefined,
): Layer {
  return (contract) => {
    if (contract.access.kind === "public") return undefined;
    return {
      begin({ contextValues: values, header }) {
        const call = openCallOf({ values });
        if (call.principal) return;
        const authorization = header.get("authorization");
        if (authorization === null) {
          call.principal = ofWorkload(call.caller);
          if (!call.principal) throw errors.credentialsMissing();
          return;
        }
        const credential = bearerOf(authorization);
        if (credential === undefined) throw errors.tokenInvalid();
        return withAnswer(verify(credential), (principal) => {
          call.principal = principal;
          call.credential = credential;
        });
      },
    };
  };
}

/** The credential of a header; what else is wrong with it shows when it is verified. */
function bearerOf(authorization: string): string | undefined {
  if (authorization.slice(0, scheme.length).toLowerCase() !== scheme) return undefined;
  const credential = authorization.slice(scheme.length);
  const { length } = credential;
  return length > 0 && length <= longestCredential && !credential.includes(" ") ? credential : undefined;
}
