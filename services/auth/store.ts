import type { Generated } from "kysely";
import type { Clock } from "../kit/clock.js";
import { openSchema } from "../kit/stores/database/kysely.js";
import { migrate, readMigrations } from "../kit/stores/database/migrate.js";
import type { Database } from "../kit/stores/database/port.js";
import type { SigningAlgorithm } from "../kit/tokens.js";
import type { RoleTable } from "./domain/roles.js";
import { type AccountSecurity, accountSecurity } from "./store/account-security.js";
import type { AccountTables } from "./store/account-tables.js";
import { type AccountStore, accountStore } from "./store/accounts.js";
import { type ApiKeyStore, apiKeyStore } from "./store/api-keys.js";
import { type AuditStore, auditStore } from "./store/audit-events.js";
import type { AuditEventsTable } from "./store/audit-rows.js";
import { type FamiliarClients, familiarClients } from "./store/familiar-clients.js";
import { type InvitationStore, invitationStore } from "./store/invitations.js";
import type { MachineTables } from "./store/machine-tables.js";
import { type MachineStore, machineStore } from "./store/machines.js";
import { type OwnSessions, ownSessions } from "./store/own-sessions.js";
import { type PasswordResetStore, passwordResetStore } from "./store/password-resets.js";
import { type PlanStore, planStore } from "./store/plans.js";
import { type RegistrationStore, registrationStore } from "./store/registrations.js";
import { type RevocationLog, revocationLog } from "./store/revocation-log.js";
import { loadRoleTable } from "./store/role-tables.js";
import { type RoleStore, roleStore } from "./store/roles.js";
import { type SecondFactorStore, secondFactorStore } from "./store/second-factors.js";
import { type ServiceAccountStore, serviceAccountStore } from "./store/service-accounts.js";
import { type SessionStore, sessionStore } from "./store/sessions.js";
import { type SignInFailures, signInFailures } from "./store/sign-in-failures.js";
import { type SigningKeyStore, signingKeyStore } from "./store/signing-keys.js";
import { type SubjectStore, subjectStore } from "./store/subjects.js";
import type { TenantTables } from "./store/tenant-tables.js";
import { type TenantStore, tenantStore } from "./store/tenants.js";
import { type UserStore, userStore } from "./store/users.js";

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
    kind: "SESSION" | "ACCOUNT" | "API_KEY" | "TENANT";
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
  readonly secondFactors: SecondFactorStore;
  readonly familiarClients: FamiliarClients;
  readonly invitations: InvitationStore;
  readonly registrations: RegistrationStore;
  readonly passwordResets: PasswordResetStore;
  /** What the roles of a tenant permit. */
  roleTable(tenant: string): Promise<RoleTable>;
  readonly tenants: TenantStore;
  readonly users: UserStore;
  readonly roles: RoleStore;
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
    secondFactors: secondFactorStore({ db, clock }),
    familiarClients: familiarClients({ db, clock }),
    invitations: invitationStore({ db, clock }),
    registrations: registrationStore({ db, clock }),
    passwordResets: passwordResetStore({ db, clock }),
    roleTable: (tenant) => loadRoleTable(db, tenant),
    tenants: tenantStore({ db, clock }),
    users: userStore({ db, clock }),
    roles: roleStore({ db, clock }),
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
