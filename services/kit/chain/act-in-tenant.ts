import { LRUCache } from "lru-cache";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { openCallOf, principalOf } from "../context.js";
import { errors } from "../errors.js";
import type { Layer } from "./chain.js";
import type { Request } from "./next.js";

/** Header in which who administers tenants names the one to act in, by its id or its name. */
export const tenantHeader = "x-tenant";

/** Id of the tenant of an id or a name. Rejects with TENANT_NOT_FOUND. */
export type ResolveTenant = (tenant: string) => Promise<string>;

const wellFormed = /^[A-Za-z0-9-]{1,64}$/;
const remembered = 1000;

/**
 * Lets who administers tenants act in the one that the header names: the
 * principal's tenant becomes that one, and its home stays. Whoever else sends the
 * header is refused, whatever it names. Throws TENANT_NOT_ALLOWED,
 * PARAMETER_INVALID or TENANT_NOT_FOUND.
 */
export function actInTenant(resolve: ResolveTenant): Layer {
  const idOf = remembering(resolve);
  return ({ access }) => {
    if (access.kind === "public") return undefined;
    const act = async ({ contextValues: values }: Request, tenant: string) => {
      const principal = principalOf({ values });
      if (!principal.permissions.has(Permission.TENANT_ADMIN)) {
        throw errors.tenantNotAllowed({ header: tenantHeader });
      }
      openCallOf({ values }).principal = Object.freeze({ ...principal, tenant: await idOf(tenant) });
    };
    return {
      begin(request) {
        const tenant = request.header.get(tenantHeader);
        return tenant === null ? undefined : act(request, tenant);
      },
    };
  };
}

// A name never passes to another tenant, and no tenant is deleted, so what was found stays true.
function remembering(resolve: ResolveTenant): ResolveTenant {
  const known = new LRUCache<string, string>({ max: remembered });
  return async (tenant) => {
    if (!wellFormed.test(tenant)) {
      const problem = "must be the id or the name of a tenant";
      throw errors.parameterInvalid({ parameter: tenantHeader, problem });
    }
    const id = known.get(tenant) ?? (await resolve(tenant));
    known.set(tenant, id);
    return id;
  };
}
