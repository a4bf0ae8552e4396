import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { ServiceAccountsService } from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { HttpBodySchema } from "#gen/ts/google/api/httpbody_pb.js";
import type { Principal } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { permissionNames, requireHeld } from "../domain/grants.js";
import { readTokenForm } from "../domain/token-form.js";
import type { AuthParts } from "../parts.js";
import { redeemedLifetime } from "./api-keys.js";

type Handlers = ServiceImpl<typeof ServiceAccountsService>;

interface Client {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Empty for all that the account may do. */
  readonly scopes: readonly Permission[];
}

/** Handles IssueToken. */
export function issueToken(parts: AuthParts): Handlers["issueToken"] {
  const issue = issueTo(parts);
  return async (request) => {
    const { token, principal } = await issue(request);
    const scopes = [...principal.permissions];
    return { accessToken: token, tokenType: "Bearer", expiresIn: parts.lifetimes.access, scopes };
  };
}

/** Handles Token. */
export function token(parts: AuthParts): Handlers["token"] {
  const issue = issueTo(parts);
  return async ({ form }) => {
    const issued = await issue(readTokenForm(form ?? create(HttpBodySchema)));
    const answer = {
      access_token: issued.token,
      token_type: "Bearer",
      expires_in: parts.lifetimes.access,
      scope: [...issued.principal.permissions].map(permissionNames.nameOf).join(" "),
    };
    return { token: { contentType: "application/json", data: Buffer.from(JSON.stringify(answer)) } };
  };
}

/** Handles RedeemCertificate. */
export function redeemCertificate({ store, issuer }: AuthParts): Handlers["redeemCertificate"] {
  return async ({ spiffeId }) => {
    const principal = await store.machines.ofCertificate(spiffeId);
    if (!principal) throw errors.serviceAccountNotFound({ id: spiffeId });
    return { token: await issuer.access(principal, redeemedLifetime), expiresIn: redeemedLifetime };
  };
}

function issueTo({ store, issuer }: AuthParts) {
  return async ({ clientId, clientSecret, scopes }: Client) => {
    const account = await store.machines.ofSecret(clientId, clientSecret);
    if (!account) throw errors.clientCredentialsInvalid();
    const principal = scopes.length > 0 ? narrowed(account, scopes) : account;
    return { token: await issuer.access(principal), principal };
  };
}

/** The account with those permissions alone; without its roles, which stand for more. */
function narrowed(account: Principal, scopes: readonly Permission[]): Principal {
  requireHeld(account.permissions, scopes);
  return { ...account, roles: [], permissions: new Set(scopes) };
}
