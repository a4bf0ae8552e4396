import type { HandlerContext } from "@connectrpc/connect";
import { callOf, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import type { AuthParts } from "../parts.js";
import type { Account } from "./account.js";
import { refuseDelayed } from "./prove-account.js";
import type { FailureKey } from "./sign-in-keys.js";

type Context = Pick<HandlerContext, "values" | "signal">;

/** The caller's own account, and what its failures are counted by. */
export interface OwnAccount {
  readonly account: Account;
  readonly keys: readonly FailureKey[];
}

/** The caller's own account. Throws SIGN_IN_DELAYED while failures delay it. */
export async function ownAccount(
  parts: Pick<AuthParts, "store" | "secrets">,
  context: Context,
): Promise<OwnAccount> {
  const account = await parts.store.accounts.own(principalOf(context));
  if (!account) throw errors.tokenInvalid(new Error("the token's account does not exist"));
  const { tenant, username } = account;
  const keys = parts.secrets.signInKeys({ tenant, username, client: callOf(context).client });
  await refuseDelayed(parts, keys);
  return { account, keys };
}

/**
 * The caller's own account, whose password it has shown: whoever takes a session
 * must not be able to make it last. A wrong one counts like a failed sign-in.
 * Throws PASSWORD_WRONG, SIGN_IN_DELAYED or SIGN_IN_BUSY.
 */
export async function proveOwner(
  parts: Pick<AuthParts, "store" | "secrets" | "passwords">,
  password: string,
  context: Context,
): Promise<OwnAccount> {
  const own = await ownAccount(parts, context);
  if (!(await parts.passwords.matches(password, own.account.passwordHash, context.signal))) {
    await parts.store.signInFailures.add(own.keys);
    throw errors.passwordWrong();
  }
  return own;
}
