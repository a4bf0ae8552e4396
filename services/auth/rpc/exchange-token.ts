import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { callOf } from "../../kit/context.js";
import { type WorkloadName, workloads } from "../../kit/contract/workloads.js";
import { errors, validationFailed } from "../../kit/errors.js";
import { internalLifetime } from "../domain/token-issuer.js";
import type { AuthParts } from "../parts.js";

export function exchangeToken(parts: AuthParts): ServiceImpl<typeof AuthService>["exchangeToken"] {
  const { store, issuer, verifySubject } = parts;
  return async ({ subjectToken, audience }, context) => {
    if (!workloads.has(audience as WorkloadName)) {
      throw validationFailed([{ field: "audience", description: "must name a workload" }]);
    }
    const principal = await verifySubject(callOf(context).caller, subjectToken);
    // Without this, a workload could renew a token by exchanging it for itself for ever.
    const kept = principal.session === "" ? store.machines : store.sessions;
    const live = await kept.isLive(principal);
    if (!live) throw errors.tokenRevoked(new Error("what the token stands for has ended or changed"));
    return { token: await issuer.internal(principal, audience), expiresIn: internalLifetime };
  };
}
