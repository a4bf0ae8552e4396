import type { Generated } from "kysely";

/** Tables of tenants and what their roles permit, as in their migration. */
export interface TenantTables {
  tenants: {
    id: string;
    name: string;
    display_name: string;
    open_registration: Generated<boolean>;
    active: Generated<boolean>;
    requests_per_hour: number | null;
    concurrent_calls: number | null;
    version: bigint;
    create_time: Date;
    update_time: Date;
  };
  role_permissions: {
    tenant_id: string;
    role: string;
    permissions: string[] | null;
    version: bigint;
    update_time: Date;
  };
}
