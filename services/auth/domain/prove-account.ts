import type { HandlerContext } from "@connectrpc/connect";
import { callOf } from "../../kit/context.js";
import { errors, withRetryInfo } from "../../kit/errors.js";
import type { AuthParts } from "../parts.js";
import type { Settle } from "../store/sessions.js";
import type { Account } from "./account.js";
import { isAsked, takeCode } from "./second-factor.js";
import type { FailureKey } from "./sign-in-keys.js";

/** What somebody signs in with. */
export interface Credentials {
  /** Id of the tenant; one that does not exist is like a name that does not. */
  readonly tenant: string;
  readonly username: string;
  readonly password: string;
  /** Of the second factor, or a recovery code; empty for none. */
  readonly code: string;
}

/** An account whose owner has shown to be there. */
export interface ProvedAccount {
  readonly account: Account;
  /** What belongs to a success, in the transaction that makes it last; throws SIGN_IN_DELAYED. */
  readonly settle: Settle;
}

type Parts = Pick<AuthParts, "store" | "passwords" | "secrets" | "clock">;
type Context = Pick<HandlerContext, "values" | "signal">;

/**
 * Checks who signs in. A failure counts against the account and the address;
 * what delays the next attempt delays it whether or not the account exists and
 * the password is right. The second factor is asked for after the right password
 * alone. Throws SIGN_IN_DELAYED, SIGN_IN_BUSY, CREDENTIALS_INVALID,
 * SECOND_FACTOR_REQUIRED or SECOND_FACTOR_INVALID.
 */
export async function proveAccount(
  parts: Parts,
  { tenant, username, password, code }: Credentials,
  context: Context,
): Promise<ProvedAccount> {
  const { store, passwords, secrets } = parts;
  const { client } = callOf(context);
  const keys = secrets.signInKeys({ tenant, username, client });
  await refuseDelayed(parts, keys);
  const account = await store.accounts.byUsername(tenant, username);
  const right = await passwords.matches(password, account?.passwordHash, context.signal);
  if (!account || !right) {
    await store.signInFailures.add(keys);
    throw errors.credentialsInvalid();
  }
  const remember = await proveSecondFactor(parts, { account, code, keys }, context);
  return {
    account,
    async settle(trx) {
      // Of guesses made at once, one that is right comes too late when the others have failed meanwhile.
      const delay = await store.signInFailures.forget(trx, keys);
      if (delay > 0) throw signInDelayed(delay);
      await remember(trx);
    },
  };
}

/** Who has shown the right password, and what more. */
interface Proof {
  readonly account: Account;
  readonly code: string;
  readonly keys: readonly FailureKey[];
}

async function proveSecondFactor(
  parts: Parts,
  { account, code, keys }: Proof,
  context: Context,
): Promise<Settle> {
  const { store, secrets } = parts;
  const factor = await store.secondFactors.load(account);
  if (!factor?.confirmed) return async () => {};
  const call = callOf(context);
  const marks = secrets.marksOf(account.id, call.client);
  if (isAsked(factor, await store.familiarClients.seen(account.id, marks))) {
    if (code === "") throw errors.secondFactorRequired();
    if (!(await takeCode(parts, { owner: account, factor, code, call }))) {
      await store.signInFailures.add(keys);
      throw errors.secondFactorInvalid();
    }
  }
  return (trx) => store.familiarClients.remember(trx, account.id, marks);
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
