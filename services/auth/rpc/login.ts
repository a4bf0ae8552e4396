import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { callOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { newId } from "../../kit/ids.js";
import { profileOf } from "../domain/account.js";
import { proveAccount } from "../domain/prove-account.js";
import { nextRefreshToken, sessionTokens } from "../domain/session-tokens.js";
import { strengthenHash } from "../domain/strengthen-hash.js";
import type { AuthParts } from "../parts.js";

export function login(parts: AuthParts): ServiceImpl<typeof AuthService>["login"] {
  const { store, lifetimes, clock } = parts;
  return async ({ tenant: name, username, password, secondFactorCode: code }, context) => {
    const tenant = await store.accounts.signInTenant(name);
    const credentials = { tenant, username, password, code };
    const { account, settle } = await proveAccount(parts, credentials, context);

    const session = newId();
    const { token, stored } = nextRefreshToken(lifetimes, clock.now());
    const started = await store.sessions.start(account, session, stored, callOf(context), settle);
    if (!started) throw errors.accountDisabled();
    await strengthenHash(parts, account, password, context);
    const profile = profileOf({ ...account, lastLoginTime: new Date(clock.now()) });
    return { tokens: await sessionTokens(parts, account, session, token), profile };
  };
}
