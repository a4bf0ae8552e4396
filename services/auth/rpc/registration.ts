import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { AccountsService, RegisterRequest } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { callOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { newId } from "../../kit/ids.js";
import { defaultTenant, type NewAccount } from "../domain/account.js";
import { hashOneTimeToken, newOneTimeToken } from "../domain/one-time-token.js";
import { requireGoodPassword } from "../domain/password-policy.js";
import { confirmationMessage, takenMessage } from "../mail/messages.js";
import type { AuthParts } from "../parts.js";
import type { OpenInvitation } from "../store/invitations.js";

type Handlers = ServiceImpl<typeof AccountsService>;

/** What lets somebody in: an invitation, or the tenant's open door. */
interface Admission {
  readonly tenant: string;
  readonly invitation: OpenInvitation | undefined;
}

/** Handles Register. */
export function register(parts: AuthParts): Handlers["register"] {
  const { store, post } = parts;
  return async (request, context) => {
    const { tenant, invitation } = await admit(parts, request);
    const email = request.email.toLowerCase();
    const vouched = invitation?.email ?? "";
    const place = email !== "" && email !== vouched ? post.reserve() : undefined;
    try {
      const account = await draftAccount(parts, { tenant, invitation, vouched }, request, context);
      const call = callOf(context);
      await store.registrations.add(account, call, async (trx) => {
        const accepted = !invitation || (await store.invitations.accept(trx, invitation, account.id, call));
        if (!accepted) throw errors.invitationInvalid();
      });
      place?.use(() => claimAddress(parts, account, email));
      return { userId: account.id };
    } catch (error) {
      place?.release();
      throw error;
    }
  };
}

/** Handles ConfirmEmail. */
export function confirmEmail({ store }: AuthParts): Handlers["confirmEmail"] {
  return async ({ token }, context) => {
    const userId = await store.registrations.confirm(hashOneTimeToken(token), callOf(context));
    if (userId === undefined) throw errors.emailConfirmationInvalid();
    return { userId };
  };
}

async function admit(
  { store, openRegistration }: AuthParts,
  { tenant: name, invitationToken }: RegisterRequest,
): Promise<Admission> {
  const tenant = await store.accounts.signInTenant(name);
  if (invitationToken !== "") {
    const invitation = await store.invitations.open(hashOneTimeToken(invitationToken));
    const fits = invitation && (name === "" || invitation.tenant === tenant);
    if (!fits) throw errors.invitationInvalid();
    return { tenant: invitation.tenant, invitation };
  }
  const open = (openRegistration && tenant === defaultTenant) || (await store.registrations.isOpen(tenant));
  if (!open) throw errors.registrationClosed();
  return { tenant, invitation: undefined };
}

async function draftAccount(
  { passwords, clock }: AuthParts,
  { tenant, invitation, vouched }: Admission & { readonly vouched: string },
  { username, password, email }: RegisterRequest,
  { signal }: HandlerContext,
): Promise<NewAccount> {
  await requireGoodPassword(password, { username, email: email || vouched });
  return {
    id: newId(),
    tenant,
    username,
    email: vouched,
    passwordHash: await passwords.hash(password, signal),
    roles: invitation?.roles ?? [Role.USER],
    tier: invitation?.tier ?? Tier.BASIC,
    active: true,
    epoch: 0,
    createTime: new Date(clock.now()),
    lastLoginTime: undefined,
  };
}

/** The message that tells the owner of an address, and nobody else, whether it is free. */
async function claimAddress({ store, mailLink: link }: AuthParts, account: NewAccount, email: string) {
  const { tenant, id: user, username } = account;
  if (await store.registrations.isTaken(tenant, email)) return takenMessage(email);
  const { token, hash: tokenHash } = newOneTimeToken("confirmation");
  const claimed = await store.registrations.claim({ tenant, user, email, tokenHash });
  return claimed ? confirmationMessage({ to: email, username, token, link }) : undefined;
}
