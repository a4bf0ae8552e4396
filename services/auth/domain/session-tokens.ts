import { create } from "@bufbuild/protobuf";
import { type Tokens, TokensSchema } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { TokenLifetimes } from "../config.js";
import type { AuthParts } from "../parts.js";
import type { StoredToken } from "../store/session-rows.js";
import { type Account, principalOfAccount } from "./account.js";
import { newRefreshToken } from "./refresh-token.js";

/** A refresh token that is about to be given out, and what is stored of it. */
export interface NextRefreshToken {
  readonly token: string;
  readonly stored: StoredToken;
}

/** A refresh token that expires a refresh lifetime from now, in milliseconds of the epoch. */
export function nextRefreshToken(lifetimes: TokenLifetimes, now: number): NextRefreshToken {
  const { token, hash } = newRefreshToken();
  return { token, stored: { hash, expireTime: new Date(now + lifetimes.refresh * 1000) } };
}

/** What the owner of a session gets. */
export async function sessionTokens(
  { issuer, lifetimes }: AuthParts,
  account: Account,
  session: string,
  refreshToken: string,
): Promise<Tokens> {
  return create(TokensSchema, {
    accessToken: await issuer.access(principalOfAccount(account, session)),
    tokenType: "Bearer",
    expiresIn: lifetimes.access,
    refreshToken,
    refreshExpiresIn: lifetimes.refresh,
  });
}
