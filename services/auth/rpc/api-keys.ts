import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  ApiKeysService,
  type ListApiKeysRequest,
} from "#gen/ts/consciousness/auth/v1/api_keys_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { type Principal, principalOf } from "../../kit/context.js";
import { errors, validationFailed } from "../../kit/errors.js";
import { readPage } from "../../kit/page-token.js";
import { readApiKey } from "../../kit/tokens/api-key.js";
import type { ApiKeySettings } from "../config.js";
import { permissionNames, requireHeld } from "../domain/grants.js";
import { newApiKey } from "../domain/machine-secrets.js";
import type { AuthParts } from "../parts.js";

type Handlers = ServiceImpl<typeof ApiKeysService>;

/** Seconds that the access token of a key lives. */
export const redeemedLifetime = 60;

/** Handles CreateApiKey. */
export function createApiKey({ store, clock, apiKeys }: AuthParts): Handlers["createApiKey"] {
  return async (request, context) => {
    requireHeld(principalOf(context).permissions, request.scopes);
    const call = { method: ApiKeysService.method.createApiKey, request, context };
    return store.apiKeys.create(call, {
      name: request.name,
      scopes: request.scopes,
      expireTime: expiryOf(request.expireTime, apiKeys, clock.now()),
      made: newApiKey(),
      limit: apiKeys.perAccount,
    });
  };
}

/** Handles ListApiKeys. */
export function listApiKeys({ store }: AuthParts): Handlers["listApiKeys"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const user = whoseKeys(principal, request);
    const query = [principal.tenant, principal.subject, user];
    const { items: apiKeys, nextPageToken } = await readPage(request, query, (page) =>
      store.apiKeys.list(principal, { user, ...page }),
    );
    return { apiKeys, nextPageToken };
  };
}

/** Handles RevokeApiKey. */
export function revokeApiKey({ store }: AuthParts): Handlers["revokeApiKey"] {
  return async (request, context) => {
    await store.apiKeys.revoke({ method: ApiKeysService.method.revokeApiKey, request, context });
    return {};
  };
}

/** Handles RedeemApiKey. */
export function redeemApiKey({ store, issuer, clock }: AuthParts): Handlers["redeemApiKey"] {
  return async ({ key }) => {
    const known = readApiKey(key);
    const redeemed = known && (await store.machines.ofApiKey(known));
    if (!redeemed) throw errors.apiKeyInvalid();
    const left = Math.floor((redeemed.expireTime.getTime() - clock.now()) / 1000);
    const expiresIn = Math.min(redeemedLifetime, left);
    // Of its last second nothing is left in whole seconds, in which tokens count.
    if (expiresIn < 1) throw errors.apiKeyInvalid();
    return { token: await issuer.access(redeemed.principal, expiresIn), expiresIn };
  };
}

function expiryOf(wanted: Timestamp | undefined, { longestDays }: ApiKeySettings, now: number): Date {
  const latest = now + longestDays * 86_400_000;
  const expiry = wanted ? timestampMs(wanted) : latest;
  if (expiry > now && expiry <= latest) return new Date(expiry);
  const description = `must be in the future, and at most ${longestDays} days from now`;
  throw validationFailed([{ field: "expire_time", description }]);
}

function whoseKeys({ subject, permissions }: Principal, request: ListApiKeysRequest): string {
  const userId = request.userId.toLowerCase();
  if (userId === "" || userId === subject) return subject;
  const permission = permissionNames.nameOf(Permission.USER_ADMIN);
  if (!permissions.has(Permission.USER_ADMIN)) throw errors.permissionMissing({ permission });
  return userId;
}
