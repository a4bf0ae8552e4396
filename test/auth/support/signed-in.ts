import { decodeJwt } from "jose";
import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { type Account, principalOfAccount } from "../../../services/auth/domain/account.js";
import type { Client } from "../../../services/kit/context.js";
import { type Auth, password } from "./auth.js";
import { methodsOf } from "./methods.js";

/** An account that is signed in, and what it may do about itself. */
export async function signedIn(auth: Auth, account: Account, client?: Client) {
  const { tokens } = await auth
    .call({ ...(client && { client }) })
    .login({ username: account.username, password });
  const { sid } = decodeJwt<{ sid: string }>(tokens?.accessToken ?? "");
  const principal = principalOfAccount(account, sid);
  const options = { principal, ...(client && { client }) };
  return {
    principal,
    sid,
    refreshToken: tokens?.refreshToken ?? "",
    accounts: methodsOf(auth.served, AccountsService, options),
    /** The same with an idempotency key. */
    once: (idempotencyKey: string) => methodsOf(auth.served, AccountsService, { ...options, idempotencyKey }),
  };
}

/** The methods that nobody need be signed in for. */
export const publicAccounts = (auth: Auth) => methodsOf(auth.served, AccountsService);
