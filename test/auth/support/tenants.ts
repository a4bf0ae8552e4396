import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { type Tenant, TenantsService } from "#gen/ts/consciousness/auth/v1/tenants_service_pb.js";
import { type Account, principalOfAccount } from "../../../services/auth/domain/account.js";
import type { Principal } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import type { Auth } from "./auth.js";
import { methodsOf } from "./methods.js";

/** An account and the principal that it is. */
export interface Member extends Principal {
  readonly account: Account;
}

/** A principal of a new account. */
export async function member(auth: Auth, role: Role, changes: Partial<Account> = {}): Promise<Member> {
  const account = await auth.account({ roles: [role], tier: Tier.ADVANCED, ...changes });
  return { ...principalOfAccount(account, newId()), account };
}

/** A new tenant of a name of its own. */
export async function newTenant(auth: Auth): Promise<Tenant> {
  const principal = await member(auth, Role.SUPER_ADMIN);
  const name = `t-${newId()}`;
  const reply = await methodsOf(auth.served, TenantsService, { principal }).createTenant({
    tenant: { name },
  });
  if (!reply.tenant) throw new Error("no tenant was made");
  return reply.tenant;
}

/** Entries of the revocation feed that are about a tenant. */
export async function revokedIn(auth: Auth, tenant: string) {
  const { revocations } = await auth.call().listRevocations({});
  return revocations.filter(({ tenantId }) => tenantId === tenant).map(({ target }) => target);
}
