import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import type { AuthParts } from "../parts.js";

export function logout({ store }: AuthParts): ServiceImpl<typeof AuthService>["logout"] {
  return async (_, context) => {
    await store.sessions.end(principalOf(context), callOf(context));
    return {};
  };
}
