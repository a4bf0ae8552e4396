import { create } from "@bufbuild/protobuf";
import { type Tokens, TokensSchema } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { TokenLifetimes } from "../config.js";
import type { AuthParts } from "../parts.js";
import type { StoredToken } from "../store/session-rows.js";
import { type Account, principalOfAccount } from "./account.js";
import { newRefreshToken, type RefreshToken } from "./refresh-token.js";

/** A refresh token that is about to be given out, and what is stored of it. */
export interface NextRefreshToken {
  readonly token: string;
  readonly stored: StoredToken;
}

/** A refresh token that expires a refresh lifetime from now, in milliseconds of the epoch; a random one unless given. */
export function nextRefreshToken(
  lifetimes: TokenLifetimes,
  now: number,
  { token, hash }: RefreshToken = newRefreshToken(),
): NextRefreshToken {
  const after = (seconds: number) => new Date(now + seconds * 1000);
  const stored = { hash, expireTime: after(lifetimes.refresh), accessExpireTime: after(lifetimes.access) };
  return { token, stored };
}

/** What the owner of a session gets. `refreshExpiresIn` is in seconds. */
export async function sessionTokens(
  { issuer, lifetimes }: AuthParts,
  account: Account,
  session: string,
  refreshToken: string,
  refreshExpiresIn = lifetimes.refresh,
): Promise<Tokens> {
  return create(TokensSchema, {
    accessToken: await issuer.access(principalOfAccount(account, session)),
    tokenType: "Bearer",
    expiresIn: lifetimes.access,
    refreshToken,
    refreshExpiresIn,
  });
}
