import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { tenantHeader } from "../../kit/chain/act-in-tenant.js";
import { callOf, type Principal } from "../../kit/context.js";
import { type WorkloadName, workloads } from "../../kit/contract/workloads.js";
import { errors, validationFailed } from "../../kit/errors.js";
import { internalLifetime } from "../domain/token-issuer.js";
import type { AuthParts } from "../parts.js";

export function exchangeToken(parts: AuthParts): ServiceImpl<typeof AuthService>["exchangeToken"] {
  const { store, issuer, verifySubject } = parts;
  return async ({ subjectToken, audience, tenant }, context) => {
    if (!workloads.has(audience as WorkloadName)) {
      throw validationFailed([{ field: "audience", description: "must name a workload" }]);
    }
    const principal = await verifySubject(callOf(context).caller, subjectToken);
    // Without this, a workload could renew a token by exchanging it for itself for ever.
    const kept = principal.session === "" ? store.machines : store.sessions;
    const live = await kept.isLive(principal);
    if (!live) throw errors.tokenRevoked(new Error("what the token stands for has ended or changed"));
    const acting = await actingIn(parts, principal, tenant);
    return { token: await issuer.internal(acting, audience), expiresIn: internalLifetime };
  };
}

/** The principal in the tenant that the gateway says it acts in. Throws TENANT_NOT_ALLOWED or TENANT_NOT_FOUND. */
async function actingIn(
  { store }: Pick<AuthParts, "store">,
  principal: Principal,
  tenant: string,
): Promise<Principal> {
  if (tenant === "" || tenant === principal.tenant) return principal;
  const { permissions, home } = principal;
  // Whoever acts in one tenant for a call does not go on into a third.
  if (!permissions.has(Permission.TENANT_ADMIN) || principal.tenant !== home) {
    throw errors.tenantNotAllowed({ header: tenantHeader });
  }
  return { ...principal, tenant: await store.tenants.resolve(tenant) };
}
