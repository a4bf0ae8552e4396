import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ListUsersRequest,
  UserSchema,
  UsersService,
} from "#gen/ts/consciousness/auth/v1/users_service_pb.js";
import { type Principal, principalOf } from "../../kit/context.js";
import { requireEtag } from "../../kit/etag.js";
import { readPage } from "../../kit/page-token.js";
import { requireHeld, requireTier } from "../domain/grants.js";
import { permissionsOf } from "../domain/roles.js";
import { changedFields, requireOutranked, userMessage, withSelected } from "../domain/user.js";
import type { AuthParts } from "../parts.js";

type Handlers = ServiceImpl<typeof UsersService>;
type Parts = Pick<AuthParts, "store">;

const methods = UsersService.method;

/** Handles ListUsers. */
export function listUsers({ store }: Parts): Handlers["listUsers"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const query = queryOf(principal, request);
    const { role, active, usernamePrefix } = request;
    const { items, nextPageToken } = await readPage(request, query, (page) =>
      store.users.list(principal, { role, active, usernamePrefix, ...page }),
    );
    return { users: items.map(userMessage), nextPageToken };
  };
}

function queryOf({ tenant }: Principal, { role, active, usernamePrefix }: ListUsersRequest): string[] {
  return [tenant, "users", String(role), String(active), usernamePrefix];
}

/** Handles GetUser. */
export function getUser({ store }: Parts): Handlers["getUser"] {
  return async ({ id }, context) => ({ user: userMessage(await store.users.load(principalOf(context), id)) });
}

/** Handles UpdateUser. An update that changes nothing writes nothing and keeps the etag. */
export function updateUser({ store }: Parts): Handlers["updateUser"] {
  return (request, context) => {
    const principal = principalOf(context);
    const wanted = request.user ?? create(UserSchema);
    return store.users.change({ method: methods.updateUser, request, context }, async (users) => {
      const current = await users.load(wanted.id);
      requireOutranked(principal, current);
      requireEtag(current, wanted.etag);
      const before = userMessage(current);
      const next = withSelected(before, wanted, request.updateMask?.paths ?? []);
      const changed = changedFields(before, next);
      if (changed.length === 0) return { user: before };
      requireHeld(principal.permissions, permissionsOf(next.roles, await users.roleTable()));
      if (changed.includes("tier")) requireTier(principal, next.tier);
      return { user: userMessage(await users.replace(current, next, changed)) };
    });
  };
}

/** Handles EndUserSessions. */
export function endUserSessions({ store }: Parts): Handlers["endUserSessions"] {
  return (request, context) => {
    const principal = principalOf(context);
    return store.users.change({ method: methods.endUserSessions, request, context }, async (users) => {
      const current = await users.load(request.id);
      requireOutranked(principal, current);
      await users.endSessions(current);
      return {};
    });
  };
}
