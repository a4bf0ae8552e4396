import { create } from "@bufbuild/protobuf";
import type { Kysely, Selectable } from "kysely";
import { UserCreatedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import { type Role, RoleSchema, Tier, TierSchema } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Call, Principal } from "../../kit/context.js";
import { enumNames } from "../../kit/enum-names.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import type { Account } from "../domain/account.js";
import type { AuthTables } from "../store.js";

/** Accounts. */
export interface AccountStore {
  /** Whether there is no account at all. */
  isEmpty(): Promise<boolean>;
  /** Adds an account; false, and nothing, when its name or address is taken in the tenant. */
  add(account: Account, call: Pick<Call, "requestId" | "principal">): Promise<boolean>;
  /** The account that signs in under a name. */
  byUsername(tenant: string, username: string): Promise<Account | undefined>;
  /** The principal's own account. */
  own(principal: Principal): Promise<Account | undefined>;
}

const roleNames = enumNames<Role>(RoleSchema);
const tierNames = enumNames<Tier>(TierSchema);

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
    add(account, call) {
      return transaction(db, async (trx) => {
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
          aggregate: { type: "user", id: account.id, version: 1n },
          payload: { schema: UserCreatedSchema, message },
        });
        return true;
      });
    },
    async byUsername(tenant, username) {
      // PostgreSQL's text holds no NUL: such a name is nobody's, where the query would fail.
      if (username.includes("\0")) return undefined;
      const query = db.selectFrom("users").selectAll().where("tenant_id", "=", tenant);
      const row = await query.where("username", "=", username).executeTakeFirst();
      return row && toAccount(row);
    },
    async own({ tenant, subject, kind }) {
      if (kind !== "user") return undefined;
      const query = db.selectFrom("users").selectAll().where("tenant_id", "=", tenant);
      const row = await query.where("id", "=", subject).executeTakeFirst();
      return row && toAccount(row);
    },
  };
}

function toRow(account: Account) {
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

/** The account that a row of `users` holds. */
export function toAccount(row: Selectable<AuthTables["users"]>): Account {
  return {
    id: row.id,
    tenant: row.tenant_id,
    username: row.username,
    email: row.email ?? "",
    passwordHash: row.password_hash,
    roles: roleNames.valuesOf(row.roles),
    tier: tierNames.valueOf(row.tier) ?? Tier.BASIC,
    active: row.active,
    epoch: row.epoch,
    createTime: row.create_time,
    lastLoginTime: row.last_login_time ?? undefined,
  };
}
