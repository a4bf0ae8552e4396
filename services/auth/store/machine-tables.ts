import type { Generated } from "kysely";

/** Tables of what signs in without a person. */
export interface MachineTables {
  api_keys: {
    id: string;
    tenant_id: string;
    user_id: string;
    name: string;
    prefix: string;
    hash: Uint8Array;
    scopes: string[];
    version: bigint;
    create_time: Date;
    expire_time: Date;
    last_use_time: Date | null;
  };
  service_accounts: {
    id: string;
    tenant_id: string;
    name: string;
    description: string;
    roles: string[];
    permissions: string[];
    tier: string;
    spiffe_id: string | null;
    secret_hash: Uint8Array;
    former_secret_hash: Uint8Array | null;
    former_secret_expire_time: Date | null;
    epoch: Generated<number>;
    version: bigint;
    create_time: Date;
    update_time: Date;
  };
}
