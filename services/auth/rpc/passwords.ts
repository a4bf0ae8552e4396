import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { hashOneTimeToken, newOneTimeToken } from "../domain/one-time-token.js";
import { requireGoodPassword } from "../domain/password-policy.js";
import { ownAccount } from "../domain/prove-owner.js";
import { requireOther, requireOutranked } from "../domain/user.js";
import { resetMessage } from "../mail/messages.js";
import type { AuthParts } from "../parts.js";

type Handlers = ServiceImpl<typeof AccountsService>;

/** How soon after a message with a reset token an account gets another, in milliseconds. */
const pauseMs = 60_000;

/** Handles ChangePassword. */
export function changePassword(parts: AuthParts): Handlers["changePassword"] {
  const { store, passwords } = parts;
  return async ({ oldPassword, newPassword }, context) => {
    const { account, keys } = await ownAccount(parts, context);
    const { passwordHash } = account;
    const { signal } = context;
    if (!(await passwords.matches(oldPassword, passwordHash, signal))) {
      // The same call again, whose first answer got lost.
      if (await passwords.matches(newPassword, passwordHash, signal)) return {};
      await store.signInFailures.add(keys);
      throw errors.passwordWrong();
    }
    await requireGoodPassword(newPassword, account);
    const hash = await passwords.hash(newPassword, signal);
    const { session } = principalOf(context);
    const replaced = await store.accountSecurity.replacePassword(account, hash, callOf(context), session);
    if (!replaced) throw errors.passwordWrong();
    return {};
  };
}

/** Handles RequestPasswordReset. */
export function requestPasswordReset({ store, post, mailLink }: AuthParts): Handlers["requestPasswordReset"] {
  return async ({ tenant, account: name }, context) => {
    const call = callOf(context);
    post.reserve().use(async () => {
      const account = await store.passwordResets.find(await store.accounts.signInTenant(tenant), name);
      if (!account?.email) return undefined;
      const { token, hash } = newOneTimeToken("reset");
      const made = await store.passwordResets.put(account, hash, call, pauseMs);
      const { email: to, username } = account;
      return made && resetMessage({ to, username, token, link: mailLink });
    });
    return {};
  };
}

/** Handles CreatePasswordReset. */
export function createPasswordReset({ store }: AuthParts): Handlers["createPasswordReset"] {
  return async ({ userId }, context) => {
    const principal = principalOf(context);
    const account = await store.accountSecurity.inTenant(principal, userId);
    if (!account) throw errors.accountNotFound({ id: userId });
    requireOther(principal, account, AccountsService.method.changePassword);
    requireOutranked(principal, account);
    const { token, hash } = newOneTimeToken("reset");
    const expireTime = await store.passwordResets.put(account, hash, callOf(context));
    return { token, ...(expireTime && { expireTime: timestampFromDate(expireTime) }) };
  };
}

/** Handles ResetPassword. */
export function resetPassword({ store, passwords }: AuthParts): Handlers["resetPassword"] {
  return async ({ token, newPassword }, context) => {
    const tokenHash = hashOneTimeToken(token);
    const account = await store.passwordResets.accountOf(tokenHash);
    if (!account) throw errors.passwordResetInvalid();
    await requireGoodPassword(newPassword, account);
    const hash = await passwords.hash(newPassword, context.signal);
    const used = await store.passwordResets.use(tokenHash, account, hash, callOf(context));
    if (!used) throw errors.passwordResetInvalid();
    return { userId: account.id };
  };
}
