/** Tables of accounts' own affairs, as in their migration. */
export interface AccountTables {
  sign_in_failures: {
    key: Uint8Array;
    failures: number;
    last_time: Date;
    retry_time: Date;
  };
  invitations: {
    id: string;
    tenant_id: string;
    token_hash: Uint8Array;
    email: string | null;
    roles: string[];
    tier: string;
    inviter_id: string;
    version: bigint;
    create_time: Date;
    expire_time: Date;
    accept_time: Date | null;
    revoke_time: Date | null;
  };
  password_resets: {
    user_id: string;
    tenant_id: string;
    token_hash: Uint8Array;
    create_time: Date;
    expire_time: Date;
  };
  email_confirmations: {
    user_id: string;
    tenant_id: string;
    email: string;
    token_hash: Uint8Array;
    expire_time: Date;
  };
  second_factors: {
    user_id: string;
    tenant_id: string;
    sealed_secret: Uint8Array;
    mode: string;
    create_time: Date;
    confirm_time: Date | null;
    last_step: bigint;
  };
  recovery_codes: { user_id: string; hash: Uint8Array };
  familiar_clients: { user_id: string; kind: "NETWORK" | "AGENT"; hash: Uint8Array; last_time: Date };
}
