import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { type Implementation, implement } from "../kit/workload.js";
import type { AuthParts } from "./parts.js";
import { createInvitation, listInvitations, revokeInvitation } from "./rpc/invitations.js";
import { changePassword, createPasswordReset, requestPasswordReset, resetPassword } from "./rpc/passwords.js";
import { confirmEmail, register } from "./rpc/registration.js";
import { confirmSecondFactor, removeSecondFactor, setUpSecondFactor } from "./rpc/second-factor.js";
import { unlockAccount } from "./rpc/unlock-account.js";

/** How people come to an account, and keep it theirs. */
export function accountServices(parts: AuthParts): Implementation[] {
  return [
    implement(AccountsService, {
      register: register(parts),
      confirmEmail: confirmEmail(parts),
      createInvitation: createInvitation(parts),
      listInvitations: listInvitations(parts),
      revokeInvitation: revokeInvitation(parts),
      changePassword: changePassword(parts),
      requestPasswordReset: requestPasswordReset(parts),
      createPasswordReset: createPasswordReset(parts),
      resetPassword: resetPassword(parts),
      setUpSecondFactor: setUpSecondFactor(parts),
      confirmSecondFactor: confirmSecondFactor(parts),
      removeSecondFactor: removeSecondFactor(parts),
      unlockAccount: unlockAccount(parts),
    }),
  ];
}
