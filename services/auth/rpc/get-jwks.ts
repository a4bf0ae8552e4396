import type { ServiceImpl } from "@connectrpc/connect";
import type { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { toJwk } from "../domain/signing-keys.js";
import type { AuthParts } from "../parts.js";

export function getJwks({ store }: AuthParts): ServiceImpl<typeof AuthService>["getJwks"] {
  return async () => ({ keys: (await store.signingKeys.list()).map(toJwk).reverse() });
}
