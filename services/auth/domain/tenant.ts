import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Tenant, TenantSchema } from "#gen/ts/consciousness/auth/v1/tenants_service_pb.js";
import { etagOf } from "../../kit/etag.js";
import { fieldMask } from "../../kit/field-mask.js";

/** A tenant as stored. */
export interface StoredTenant {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly openRegistration: boolean;
  readonly active: boolean;
  /** Of all its accounts together; undefined for no limit. */
  readonly requestsPerHour: number | undefined;
  readonly concurrentCalls: number | undefined;
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
}

/** What an update may change of a tenant. */
export const tenantMask = fieldMask(TenantSchema, ["id", "name", "etag"]);

/** A tenant as who administers tenants sees it. */
export function tenantMessage(tenant: StoredTenant): Tenant {
  const { requestsPerHour, concurrentCalls } = tenant;
  return create(TenantSchema, {
    id: tenant.id,
    name: tenant.name,
    displayName: tenant.displayName,
    openRegistration: tenant.openRegistration,
    active: tenant.active,
    limits: {
      ...(requestsPerHour !== undefined && { requestsPerHour }),
      ...(concurrentCalls !== undefined && { concurrentCalls }),
    },
    etag: etagOf(tenant),
    createTime: timestampFromDate(tenant.createTime),
    updateTime: timestampFromDate(tenant.updateTime),
  });
}
