import type { ConnectError, ServiceImpl } from "@connectrpc/connect";
import type { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { callOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import type { RefreshRefusal } from "../domain/refresh.js";
import { hashRefreshToken } from "../domain/refresh-token.js";
import { nextRefreshToken, sessionTokens } from "../domain/session-tokens.js";
import type { AuthParts } from "../parts.js";

const refusals: Readonly<Record<RefreshRefusal, () => ConnectError>> = {
  invalid: () => errors.refreshTokenInvalid(),
  reused: () => errors.refreshTokenReused(),
  disabled: () => errors.accountDisabled(),
};

export function refresh(parts: AuthParts): ServiceImpl<typeof AuthService>["refresh"] {
  const { store, lifetimes, successor, clock } = parts;
  return async ({ refreshToken }, context) => {
    const { token, stored } = nextRefreshToken(lifetimes, clock.now(), successor(refreshToken));
    const rotation = await store.sessions.rotate(hashRefreshToken(refreshToken), stored, callOf(context));
    if (rotation.outcome !== "rotated") throw refusals[rotation.outcome]();
    const { account, session, expireTime } = rotation;
    const expiresIn = Math.floor((expireTime.getTime() - clock.now()) / 1000);
    return { tokens: await sessionTokens(parts, account, session, token, expiresIn) };
  };
}
