import type { Generated } from "kysely";
import type { Clock } from "../kit/clock.js";
import { openSchema } from "../kit/stores/database/kysely.js";
import { migrate, readMigrations } from "../kit/stores/database/migrate.js";
import type { Database } from "../kit/stores/database/port.js";
import type { SigningAlgorithm } from "../kit/tokens.js";
import { type AccountSecurity, accountSecurity } from "./store/account-security.js";
import type { AccountTables } from "./store/account-tables.js";
import { type AccountStore, accountStore } from "./store/accounts.js";
import { type ApiKeyStore, apiKeyStore } from "./store/api-keys.js";
import { type AuditStore, auditStore } from "./store/audit-events.js";
import type { AuditEventsTable } from "./store/audit-rows.js";
import type { MachineTables } from "./store/machine-tables.js";
import { type MachineStore, machineStore } from "./store/machines.js";
import { type OwnSessions, ownSessions } from "./store/own-sessions.js";
import { type PlanStore, planStore } from "./store/plans.js";
import { type RevocationLog, revocationLog } from "./store/revocation-log.js";
import { type ServiceAccountStore, serviceAccountStore } from "./store/service-accounts.js";
import { type SessionStore, sessionStore } from "./store/sessions.js";
import { type SignInFailures, signInFailures } from "./store/sign-in-failures.js";
import { type SigningKeyStore, signingKeyStore } from "./store/signing-keys.js";
import { type SubjectStore, subjectStore } from "./store/subjects.js";
import type { TenantTables } from "./store/tenant-tables.js";

/** Auth's tables, as in its migrations. */
export interface AuthTables extends AccountTables, MachineTables, TenantTables {
  users: {
    id: string;
    tenant_id: string;
    username: string;
    email: string | null;
    password_hash: string;
    roles: string[];
    tier: string;
    active: Generated<boolean>;
    epoch: Generated<number>;
    version: bigint;
    create_time: Date;
    update_time: Date;
    last_login_time: Date | null;
  };
  sessions: {
    id: string;
    tenant_id: string;
    user_id: string;
    version: bigint;
    create_time: Date;
    expire_time: Date;
    last_used_time: Date | null;
    access_expire_time: Date | null;
    network: Generated<string>;
    user_agent: Generated<string>;
    end_time: Date | null;
  };
  refresh_tokens: {
    hash: Uint8Array;
    session_id: string;
    expire_time: Date;
    used_time: Date | null;
  };
  signing_keys: {
    kid: string;
    algorithm: SigningAlgorithm;
    modulus: string | null;
    exponent: string | null;
    x: string | null;
    y: string | null;
    sealed_private_key: Uint8Array | null;
    create_time: Date;
    sign_time: Date;
  };
  audit_events: AuditEventsTable;
  revocations: {
    position: Generated<bigint>;
    xid: Generated<bigint>;
    kind: "SESSION" | "ACCOUNT" | "API_KEY" | "TENANT" | "TENANT_SETTINGS";
    tenant_id: string;
    subject: string;
    epoch: Generated<number>;
    create_time: Date;
    expire_time: Date;
  };
}

/** All that auth keeps. */
export interface AuthStore {
  readonly accounts: AccountStore;
  readonly accountSecurity: AccountSecurity;
  readonly signInFailures: SignInFailures;
  readonly sessions: SessionStore;
  readonly signingKeys: SigningKeyStore;
  readonly apiKeys: ApiKeyStore;
  readonly serviceAccounts: ServiceAccountStore;
  readonly machines: MachineStore;
  readonly revocations: RevocationLog;
  readonly ownSessions: OwnSessions;
  readonly audit: AuditStore;
  readonly subjects: SubjectStore;
  readonly plans: PlanStore;
}

const schema = "auth";

/** Opens auth's schema, brought up to date. */
export async function openAuthStore({
  database,
  clock,
}: {
  database: Database;
  clock: Clock;
}): Promise<AuthStore> {
  await migrate(database, { schema, migrations: await readMigrations(schema) });
  const db = openSchema<AuthTables>(database, schema);
  return {
    accounts: accountStore({ db, clock }),
    accountSecurity: accountSecurity({ db, clock }),
    signInFailures: signInFailures({ db, clock }),
    sessions: sessionStore({ db, clock }),
    signingKeys: signingKeyStore({ db, clock }),
    apiKeys: apiKeyStore({ db, clock }),
    serviceAccounts: serviceAccountStore({ db, clock }),
    machines: machineStore({ db, clock }),
    revocations: revocationLog({ db, clock }),
    ownSessions: ownSessions({ db, clock }),
    audit: auditStore({ db }),
    subjects: subjectStore({ db }),
    plans: planStore({ db }),
  };
}
