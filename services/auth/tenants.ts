import { RolesService } from "#gen/ts/consciousness/auth/v1/roles_service_pb.js";
import { TenantsService } from "#gen/ts/consciousness/auth/v1/tenants_service_pb.js";
import { UsersService } from "#gen/ts/consciousness/auth/v1/users_service_pb.js";
import { type Implementation, implement } from "../kit/workload.js";
import type { AuthParts } from "./parts.js";
import { listRoles, resetRole, updateRole } from "./rpc/roles.js";
import { createTenant, getTenant, listTenants, resolveTenant, updateTenant } from "./rpc/tenants.js";
import { endUserSessions, getUser, listUsers, updateUser } from "./rpc/users.js";

/** The services of tenants, their accounts and their roles. */
export function tenantServices(parts: Pick<AuthParts, "store">): Implementation[] {
  return [
    implement(TenantsService, {
      createTenant: createTenant(parts),
      getTenant: getTenant(parts),
      listTenants: listTenants(parts),
      updateTenant: updateTenant(parts),
      resolveTenant: resolveTenant(parts),
    }),
    implement(UsersService, {
      listUsers: listUsers(parts),
      getUser: getUser(parts),
      updateUser: updateUser(parts),
      endUserSessions: endUserSessions(parts),
    }),
    implement(RolesService, {
      listRoles: listRoles(parts),
      updateRole: updateRole(parts),
      resetRole: resetRole(parts),
    }),
  ];
}
