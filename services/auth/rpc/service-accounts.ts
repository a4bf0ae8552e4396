import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ServiceAccount,
  ServiceAccountSchema,
  ServiceAccountsService,
} from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { type Principal, principalOf } from "../../kit/context.js";
import { requireEtag } from "../../kit/etag.js";
import { readPage } from "../../kit/page-token.js";
import { requireCertificates, requireHeld, requireTier } from "../domain/grants.js";
import { newClientSecret } from "../domain/machine-secrets.js";
import { permissionsOf, type RoleTable } from "../domain/roles.js";
import { type StoredServiceAccount, serviceAccountMessage } from "../domain/service-account.js";
import { changedFields, withSelected, withTier } from "../domain/service-account-mask.js";
import { requireOutranked } from "../domain/user.js";
import type { AuthParts } from "../parts.js";

type Handlers = ServiceImpl<typeof ServiceAccountsService>;
type Granted = Pick<StoredServiceAccount | ServiceAccount, "roles" | "permissions">;

const defaultOverlapSeconds = 86_400;
const methods = ServiceAccountsService.method;

/** Handles CreateServiceAccount. */
export function createServiceAccount({ store, clock }: AuthParts): Handlers["createServiceAccount"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const wanted = withTier(request.serviceAccount ?? create(ServiceAccountSchema));
    requireTier(principal, wanted.tier);
    if (wanted.spiffeId !== "") requireCertificates(principal);
    const { secret, hash } = newClientSecret();
    const call = { method: methods.createServiceAccount, request, context };
    return store.serviceAccounts.change(call, wanted, async (accounts) => {
      requireHeld(principal.permissions, granted(wanted, await accounts.roleTable()));
      const account = await accounts.insert(wanted, hash);
      return { serviceAccount: serviceAccountMessage(account, clock.now()), clientSecret: secret };
    });
  };
}

/** Handles ListServiceAccounts. */
export function listServiceAccounts({ store, clock }: AuthParts): Handlers["listServiceAccounts"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const query = [principal.tenant, "service accounts"];
    const { items, nextPageToken } = await readPage(request, query, (page) =>
      store.serviceAccounts.list(principal, page),
    );
    const serviceAccounts = items.map((account) => serviceAccountMessage(account, clock.now()));
    return { serviceAccounts, nextPageToken };
  };
}

/** Handles GetServiceAccount. */
export function getServiceAccount({ store, clock }: AuthParts): Handlers["getServiceAccount"] {
  return async ({ id }, context) => {
    const account = await store.serviceAccounts.load(principalOf(context), id);
    return { serviceAccount: serviceAccountMessage(account, clock.now()) };
  };
}

/** Handles UpdateServiceAccount. An update that changes nothing writes nothing and keeps the etag. */
export function updateServiceAccount({ store, clock }: AuthParts): Handlers["updateServiceAccount"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const wanted = request.serviceAccount ?? create(ServiceAccountSchema);
    const call = { method: methods.updateServiceAccount, request, context };
    return store.serviceAccounts.change(call, wanted, async (accounts) => {
      const current = await accounts.load(wanted.id);
      const table = await accounts.roleTable();
      requireMachineOutranked(principal, current, table);
      requireEtag(current, wanted.etag);
      const before = serviceAccountMessage(current, clock.now());
      const next = withSelected(before, wanted, request.updateMask?.paths ?? []);
      const changed = changedFields(before, next);
      if (changed.length === 0) return { serviceAccount: before };
      requireHeld(principal.permissions, granted(next, table));
      if (changed.includes("tier")) requireTier(principal, next.tier);
      if (changed.includes("spiffe_id")) requireCertificates(principal);
      const account = await accounts.replace(current, next, changed);
      return { serviceAccount: serviceAccountMessage(account, clock.now()) };
    });
  };
}

/** Handles RotateSecret. */
export function rotateSecret({ store, clock }: AuthParts): Handlers["rotateSecret"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const overlap = request.overlapSeconds ?? defaultOverlapSeconds;
    const { secret, hash } = newClientSecret();
    const call = { method: methods.rotateSecret, request, context };
    return store.serviceAccounts.change(call, undefined, async (accounts) => {
      const current = await accounts.load(request.id);
      // Whoever has the secret has what the account has.
      requireMachineOutranked(principal, current, await accounts.roleTable());
      requireEtag(current, request.etag);
      const formerUntil = overlap > 0 ? new Date(clock.now() + overlap * 1000) : undefined;
      const account = await accounts.rotate(current, hash, formerUntil);
      return { serviceAccount: serviceAccountMessage(account, clock.now()), clientSecret: secret };
    });
  };
}

/** Handles DeleteServiceAccount. */
export function deleteServiceAccount({ store }: AuthParts): Handlers["deleteServiceAccount"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const call = { method: methods.deleteServiceAccount, request, context };
    return store.serviceAccounts.change(call, undefined, async (accounts) => {
      const current = await accounts.load(request.id);
      requireMachineOutranked(principal, current, await accounts.roleTable());
      requireEtag(current, request.etag);
      await accounts.remove(current);
      return {};
    });
  };
}

/** Throws RIGHTS_EXCEEDED when a service account has more than the principal. */
function requireMachineOutranked(
  principal: Principal,
  account: StoredServiceAccount,
  table: RoleTable,
): void {
  requireOutranked(principal, { id: account.id, permissions: granted(account, table) });
}

/** All permissions, those of its roles and its own. */
function granted({ roles, permissions }: Granted, table: RoleTable): Permission[] {
  return [...permissionsOf(roles, table), ...permissions];
}
