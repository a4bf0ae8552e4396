import type { ServiceImpl } from "@connectrpc/connect";
import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { readPage } from "../../kit/page-token.js";
import { requireHeld, requireTier } from "../domain/grants.js";
import { newOneTimeToken } from "../domain/one-time-token.js";
import { permissionsOf } from "../domain/roles.js";
import type { AuthParts } from "../parts.js";

type Handlers = ServiceImpl<typeof AccountsService>;

const hourMs = 3_600_000;
const defaultHours = 72;
/** Handles CreateInvitation. */
export function createInvitation({ store, clock }: AuthParts): Handlers["createInvitation"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const roles = request.roles.length > 0 ? request.roles : [Role.USER];
    const tier = request.tier || Tier.BASIC;
    requireHeld(principal.permissions, permissionsOf(roles, await store.roleTable(principal.tenant)));
    requireTier(principal, tier);
    const email = request.email.toLowerCase();
    const { token, hash: tokenHash } = newOneTimeToken("invitation");
    const expireTime = new Date(clock.now() + (request.expireHours || defaultHours) * hourMs);
    const call = { method: AccountsService.method.createInvitation, request, context };
    return store.accountSecurity.change(call, async (trx) => {
      if (email !== "" && (await store.registrations.isTaken(principal.tenant, email, trx))) {
        throw errors.emailTaken();
      }
      const draft = { email, roles, tier, expireTime, tokenHash };
      return { invitation: await store.invitations.add(trx, principal, draft, callOf(context)), token };
    });
  };
}

/** Handles ListInvitations. */
export function listInvitations({ store }: AuthParts): Handlers["listInvitations"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const query = ["invitations", principal.tenant, principal.subject];
    const { items: invitations, nextPageToken } = await readPage(request, query, (page) =>
      store.invitations.list(principal, page),
    );
    return { invitations, nextPageToken };
  };
}

/** Handles RevokeInvitation. */
export function revokeInvitation({ store }: AuthParts): Handlers["revokeInvitation"] {
  return async (request, context) => {
    const id = request.id.toLowerCase();
    const call = { method: AccountsService.method.revokeInvitation, request, context };
    return store.accountSecurity.change(call, async (trx) => {
      if (!(await store.invitations.revoke(trx, principalOf(context), id, callOf(context)))) {
        throw errors.invitationNotFound({ id });
      }
      return {};
    });
  };
}
