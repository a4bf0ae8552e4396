import type { ServiceImpl } from "@connectrpc/connect";
import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { callOf, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { requireOther, requireOutranked } from "../domain/user.js";
import type { AuthParts } from "../parts.js";

/** Handles UnlockAccount. */
export function unlockAccount({
  store,
  secrets,
}: AuthParts): ServiceImpl<typeof AccountsService>["unlockAccount"] {
  return async ({ userId, dropSecondFactor }, context) => {
    const principal = principalOf(context);
    const call = callOf(context);
    const account = await store.accountSecurity.inTenant(principal, userId);
    if (!account) throw errors.accountNotFound({ id: userId });
    if (dropSecondFactor) {
      requireOther(principal, account, AccountsService.method.removeSecondFactor);
      requireOutranked(principal, account);
      await store.secondFactors.remove(account, call, "");
    }
    const { tenant, username } = account;
    const keys = secrets.signInKeys({ tenant, username, client: undefined });
    await store.accountSecurity.unlock(account, call, (trx) => store.signInFailures.forget(trx, keys));
    return {};
  };
}
