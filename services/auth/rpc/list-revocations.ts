import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { AuthParts } from "../parts.js";

export function listRevocations({ store }: AuthParts): ServiceImpl<typeof AuthService>["listRevocations"] {
  return ({ since, afterPosition }) => store.revocations.list(since, afterPosition);
}
