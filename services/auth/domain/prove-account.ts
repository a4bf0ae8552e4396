import type { HandlerContext } from "@connectrpc/connect";
import { callOf } from "../../kit/context.js";
import { errors, withRetryInfo } from "../../kit/errors.js";
import type { AuthParts } from "../parts.js";
import type { Settle } from "../store/sessions.js";
import type { Account } from "./account.js";
import type { FailureKey } from "./sign-in-keys.js";

/** What somebody signs in with. */
export interface Credentials {
  /** Id of the tenant; one that does not exist is like a name that does not. */
  readonly tenant: string;
  readonly username: string;
  readonly password: string;
}

/** An account whose owner has shown to be there. */
export interface ProvedAccount {
  readonly account: Account;
  /** What belongs to a success, in the transaction that makes it last; throws SIGN_IN_DELAYED. */
  readonly settle: Settle;
}

/**
 * Checks who signs in. A failure counts against the account and the address;
 * what delays the next attempt delays it whether or not the account exists and
 * the password is right. Throws SIGN_IN_DELAYED, SIGN_IN_BUSY or
 * CREDENTIALS_INVALID.
 */
export async function proveAccount(
  parts: Pick<AuthParts, "store" | "passwords" | "signInKeys">,
  { tenant, username, password }: Credentials,
  context: Pick<HandlerContext, "values" | "signal">,
): Promise<ProvedAccount> {
  const { store, passwords } = parts;
  const { client } = callOf(context);
  const keys = parts.signInKeys({ tenant, username, client });
  await refuseDelayed(parts, keys);
  const account = await store.accounts.byUsername(tenant, username);
  const right = await passwords.matches(password, account?.passwordHash, context.signal);
  if (!account || !right) {
    await store.signInFailures.add(keys);
    throw errors.credentialsInvalid();
  }
  return {
    account,
    async settle(trx) {
      // Of guesses made at once, one that is right comes too late when the others have failed meanwhile.
      const delay = await store.signInFailures.forget(trx, keys);
      if (delay > 0) throw signInDelayed(delay);
    },
  };
}

/** Throws SIGN_IN_DELAYED while failures delay these keys. */
export async function refuseDelayed(
  { store }: Pick<AuthParts, "store">,
  keys: readonly FailureKey[],
): Promise<void> {
  const delay = await store.signInFailures.delay(keys);
  if (delay > 0) throw signInDelayed(delay);
}

function signInDelayed(delayMs: number) {
  return withRetryInfo(errors.signInDelayed({ retry_seconds: Math.ceil(delayMs / 1000) }), delayMs);
}
