import type { ServiceImpl } from "@connectrpc/connect";
import { RolesService } from "#gen/ts/consciousness/auth/v1/roles_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { requireEtag } from "../../kit/etag.js";
import { requireChangeable, requireWithin, roleId, roleMessage } from "../domain/role-changes.js";
import { rolePermissions } from "../domain/roles.js";
import type { AuthParts } from "../parts.js";

type Handlers = ServiceImpl<typeof RolesService>;
type Parts = Pick<AuthParts, "store">;

const methods = RolesService.method;

/** Handles ListRoles. */
export function listRoles({ store }: Parts): Handlers["listRoles"] {
  return async (_, context) => ({ roles: (await store.roles.list(principalOf(context))).map(roleMessage) });
}

/** Handles UpdateRole. */
export function updateRole({ store }: Parts): Handlers["updateRole"] {
  return (request, context) => {
    const principal = principalOf(context);
    const { role, permissions, etag } = request;
    requireChangeable(principal, role);
    return store.roles.change({ method: methods.updateRole, request, context }, async (roles) => {
      const current = await roles.load(role);
      requireEtag({ id: roleId(principal.tenant, role), version: current.version }, etag);
      requireWithin(principal, current, permissions);
      return { role: roleMessage(await roles.replace(current, permissions)) };
    });
  };
}

/** Handles ResetRole. Resetting what permits what is shipped writes nothing. */
export function resetRole({ store }: Parts): Handlers["resetRole"] {
  return (request, context) => {
    const principal = principalOf(context);
    const { role, etag } = request;
    requireChangeable(principal, role);
    return store.roles.change({ method: methods.resetRole, request, context }, async (roles) => {
      const current = await roles.load(role);
      requireEtag({ id: roleId(principal.tenant, role), version: current.version }, etag);
      if (current.permissions === undefined) return { role: roleMessage(current) };
      requireWithin(principal, current, rolePermissions[role]);
      return { role: roleMessage(await roles.replace(current, undefined)) };
    });
  };
}
