import { ApiKeysService } from "#gen/ts/consciousness/auth/v1/api_keys_service_pb.js";
import { ServiceAccountsService } from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { type Implementation, implement } from "../kit/workload.js";
import type { AuthParts } from "./parts.js";
import { createApiKey, listApiKeys, redeemApiKey, revokeApiKey } from "./rpc/api-keys.js";
import { issueToken, redeemCertificate, token } from "./rpc/machine-tokens.js";
import {
  createServiceAccount,
  deleteServiceAccount,
  getServiceAccount,
  listServiceAccounts,
  rotateSecret,
  updateServiceAccount,
} from "./rpc/service-accounts.js";

/** The services of what signs in without a person: keys and service accounts. */
export function machineServices(parts: AuthParts): Implementation[] {
  return [
    implement(ApiKeysService, {
      createApiKey: createApiKey(parts),
      listApiKeys: listApiKeys(parts),
      revokeApiKey: revokeApiKey(parts),
      redeemApiKey: redeemApiKey(parts),
    }),
    implement(ServiceAccountsService, {
      createServiceAccount: createServiceAccount(parts),
      listServiceAccounts: listServiceAccounts(parts),
      getServiceAccount: getServiceAccount(parts),
      updateServiceAccount: updateServiceAccount(parts),
      rotateSecret: rotateSecret(parts),
      deleteServiceAccount: deleteServiceAccount(parts),
      issueToken: issueToken(parts),
      token: token(parts),
      redeemCertificate: redeemCertificate(parts),
    }),
  ];
}
