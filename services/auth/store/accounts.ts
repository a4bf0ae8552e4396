import { create } from "@bufbuild/protobuf";
import type { Kysely, Selectable, Transaction } from "kysely";
import { UserCreatedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Call, Principal } from "../../kit/context.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import type { Account, NewAccount } from "../domain/account.js";
import { roleNames, tierNames } from "../domain/grants.js";
import { permissionsOf } from "../domain/roles.js";
import type { AuthTables } from "../store.js";
import { roleTableOf, type StoredRoleTable, toRoleTable } from "./role-tables.js";
import { signInTenant } from "./sign-in-tenant.js";

/** Accounts. */
export interface AccountStore {
  /** Whether there is no account at all. */
  isEmpty(): Promise<boolean>;
  /** Adds an account; false, and nothing, when its name or address is taken in the tenant. */
  add(account: NewAccount, call: Pick<Call, "requestId" | "principal">): Promise<boolean>;
  /** Id of the tenant that somebody names to sign in to; one that nobody has when there is no such active one. */
  signInTenant(name: string): Promise<string>;
  /** The account that signs in under a name in the tenant of an id; none in a disabled tenant. */
  byUsername(tenant: string, username: string): Promise<Account | undefined>;
  /** The principal's own account. */
  own(principal: Principal): Promise<Account | undefined>;
}

export function accountStore({
  db,
  clock,
}: {
  db: Kysely<AuthTables & OutboxTables>;
  clock: Clock;
}): AccountStore {
  return {
    async isEmpty() {
      return !(await db.selectFrom("users").select("id").limit(1).executeTakeFirst());
    },
    add: (account, call) => transaction(db, (trx) => insertAccount(trx, account, { call, clock })),
    signInTenant: (name) => signInTenant(db, name),
    async byUsername(tenant, username) {
      // PostgreSQL's text holds no NUL: such a name is nobody's, where the query would fail.
      if (username.includes("\0")) return undefined;
      const query = selectAccounts(db).where("tenants.id", "=", tenant).where("tenants.active", "=", true);
      const row = await query.where("username", "=", username).executeTakeFirst();
      return row && toAccount(row);
    },
    async own({ home, subject, kind }) {
      if (kind !== "user") return undefined;
      const query = selectAccounts(db).where("users.tenant_id", "=", home);
      const row = await query.where("users.id", "=", subject).executeTakeFirst();
      return row && toAccount(row);
    },
  };
}

/** Adds an account with its event; false, and nothing, when its name or address is taken in the tenant. */
export async function insertAccount(
  trx: Transaction<AuthTables & OutboxTables>,
  account: NewAccount,
  { call, clock }: { readonly call: Pick<Call, "requestId" | "principal">; readonly clock: Clock },
): Promise<boolean> {
  const insert = trx.insertInto("users").values(toRow(account));
  const added = await insert
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  if (!added) return false;
  const message = create(UserCreatedSchema, { userId: account.id, roles: [...account.roles] });
  await recordEvent(trx, {
    call,
    clock,
    tenant: account.tenant,
    // Who registers has no principal yet.
    actor: call.principal?.subject ?? account.id,
    aggregate: { type: "user", id: account.id, version: 1n },
    payload: { schema: UserCreatedSchema, message },
  });
  return true;
}

/** Accounts with all that `toAccount` takes. */
export function selectAccounts(db: Kysely<AuthTables & OutboxTables>) {
  return db
    .selectFrom("users")
    .innerJoin("tenants", "tenants.id", "users.tenant_id")
    .selectAll("users")
    .select(["tenants.active as tenant_active", roleTableOf("users.tenant_id")]);
}

/** A row of `users` with what its tenant says of it. */
export interface AccountRow extends Selectable<AuthTables["users"]> {
  readonly tenant_active: boolean;
  readonly role_table: StoredRoleTable;
}

function toRow(account: NewAccount) {
  return {
    id: account.id,
    tenant_id: account.tenant,
    username: account.username,
    email: account.email || null,
    password_hash: account.passwordHash,
    roles: account.roles.map(roleNames.nameOf),
    tier: tierNames.nameOf(account.tier),
    active: account.active,
    version: 1n,
    create_time: account.createTime,
    update_time: account.createTime,
    last_login_time: null,
  };
}

/** The account that a row holds. */
export function toAccount(row: AccountRow): Account {
  const roles = roleNames.valuesOf(row.roles);
  return {
    id: row.id,
    tenant: row.tenant_id,
    username: row.username,
    email: row.email ?? "",
    passwordHash: row.password_hash,
    roles,
    permissions: permissionsOf(roles, toRoleTable(row.role_table)),
    tier: tierNames.valueOf(row.tier) ?? Tier.BASIC,
    active: row.active && row.tenant_active,
    epoch: row.epoch,
    createTime: row.create_time,
    lastLoginTime: row.last_login_time ?? undefined,
  };
}
