import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { TenantSchema, TenantsService } from "#gen/ts/consciousness/auth/v1/tenants_service_pb.js";
import { requireEtag } from "../../kit/etag.js";
import { readPage } from "../../kit/page-token.js";
import { tenantMask, tenantMessage } from "../domain/tenant.js";
import type { AuthParts } from "../parts.js";

type Handlers = ServiceImpl<typeof TenantsService>;
type Parts = Pick<AuthParts, "store">;

const query = ["tenants"];
const methods = TenantsService.method;

/** Handles CreateTenant. */
export function createTenant({ store }: Parts): Handlers["createTenant"] {
  return (request, context) => {
    const wanted = request.tenant ?? create(TenantSchema);
    const call = { method: methods.createTenant, request, context };
    return store.tenants.change(call, wanted.name, async (tenants) => ({
      tenant: tenantMessage(await tenants.insert(wanted)),
    }));
  };
}

/** Handles GetTenant. */
export function getTenant({ store }: Parts): Handlers["getTenant"] {
  return async ({ id }) => ({ tenant: tenantMessage(await store.tenants.load(id)) });
}

/** Handles ListTenants. */
export function listTenants({ store }: Parts): Handlers["listTenants"] {
  return async (request) => {
    const { items, nextPageToken } = await readPage(request, query, (page) => store.tenants.list(page));
    return { tenants: items.map(tenantMessage), nextPageToken };
  };
}

/** Handles UpdateTenant. An update that changes nothing writes nothing and keeps the etag. */
export function updateTenant({ store }: Parts): Handlers["updateTenant"] {
  return (request, context) => {
    const wanted = request.tenant ?? create(TenantSchema);
    const call = { method: methods.updateTenant, request, context };
    return store.tenants.change(call, wanted.name, async (tenants) => {
      const current = await tenants.load(wanted.id);
      requireEtag(current, wanted.etag);
      const before = tenantMessage(current);
      const next = tenantMask.apply(before, wanted, request.updateMask?.paths ?? []);
      const changed = tenantMask.changed(before, next);
      if (changed.length === 0) return { tenant: before };
      return { tenant: tenantMessage(await tenants.replace(current, next, changed)) };
    });
  };
}

/** Handles ResolveTenant. */
export function resolveTenant({ store }: Parts): Handlers["resolveTenant"] {
  return async ({ tenant }) => ({ tenantId: await store.tenants.resolve(tenant) });
}
