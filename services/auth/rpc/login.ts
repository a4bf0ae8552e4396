import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { callOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { newId } from "../../kit/ids.js";
import { defaultTenant, profileOf } from "../domain/account.js";
import { nextRefreshToken, sessionTokens } from "../domain/session-tokens.js";
import type { AuthParts } from "../parts.js";

export function login(parts: AuthParts): ServiceImpl<typeof AuthService>["login"] {
  const { store, passwords, lifetimes, clock } = parts;
  return async ({ username, password }, context) => {
    const account = await store.accounts.byUsername(defaultTenant, username);
    const matches = await passwords.matches(password, account?.passwordHash, context.signal);
    if (!account || !matches) throw errors.credentialsInvalid();

    const session = newId();
    const { token, stored } = nextRefreshToken(lifetimes, clock.now());
    const started = await store.sessions.start(account, session, stored, callOf(context));
    if (!started) throw errors.accountDisabled();
    const profile = profileOf({ ...account, lastLoginTime: new Date(clock.now()) });
    return { tokens: await sessionTokens(parts, account, session, token), profile };
  };
}
