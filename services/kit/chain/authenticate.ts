import { callKey, callOf, type Principal } from "../context.js";
import { errors } from "../errors.js";
import type { Layer } from "./chain.js";
import type { Next } from "./next.js";
import type { PrincipalOfWorkload } from "./workload-principal.js";

/** Verifies a bearer credential; rejects with TOKEN_INVALID or TOKEN_EXPIRED. */
export type VerifyCredential = (credential: string) => Promise<Principal>;

const bearer = /^Bearer ([\x21-\x7e]{1,8192})$/i;

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
    return (next) => {
      const prove: Next = async (request) => {
        const call = callOf({ values: request.contextValues });
        const header = request.header.get("authorization");
        if (header === null) {
          const principal = ofWorkload(call.caller);
          if (!principal) throw errors.credentialsMissing();
          request.contextValues.set(callKey, { ...call, principal });
          return next(request);
        }
        const credential = bearer.exec(header)?.[1];
        if (credential === undefined) throw errors.tokenInvalid();
        const principal = await verify(credential);
        request.contextValues.set(callKey, { ...call, principal, credential });
        return next(request);
      };
      return (request) =>
        callOf({ values: request.contextValues }).principal ? next(request) : prove(request);
    };
  };
}
