import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { profileOf } from "../domain/account.js";
import type { AuthParts } from "../parts.js";

export function getProfile({ store }: AuthParts): ServiceImpl<typeof AuthService>["getProfile"] {
  return async (_, context) => {
    const account = await store.accounts.own(principalOf(context));
    if (!account) throw errors.tokenInvalid(new Error("the token's account does not exist"));
    return { profile: profileOf(account) };
  };
}
