import { create, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { type Kysely, sql, type Transaction } from "kysely";
import { SessionEnd, UserUpdatedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import { Role } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { User } from "#gen/ts/consciousness/auth/v1/users_service_pb.js";
import type { Clock } from "../../kit/clock.js";
import { type Call, callOf, type Principal, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { type HandledCall, once } from "../../kit/idempotency/handle.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import { violatedConstraint } from "../../kit/stores/database/kysely.js";
import { roleNames, tierNames } from "../domain/grants.js";
import type { StoredUser } from "../domain/user.js";
import type { AuthTables } from "../store.js";
import { type AccountRow, selectAccounts, toAccount } from "./accounts.js";
import { endSessions } from "./end-sessions.js";
import { revocations } from "./revocations.js";
import { loadRoleTable } from "./role-tables.js";
import { hasRole, requireSuperAdmin } from "./super-admins.js";

type Tables = AuthTables & OutboxTables;
type Trx = Transaction<Tables>;

/** Which page of which of the tenant's accounts. */
export interface UserPage {
  /** UNSPECIFIED for any. */
  readonly role: Role;
  /** Undefined for active and disabled ones. */
  readonly active: boolean | undefined;
  /** Empty for any. */
  readonly usernamePrefix: string;
  /** Id of the account that the page follows; undefined for the first page. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** Changes of the tenant's accounts within one transaction, each a row and an event. */
export type UserChanges = ReturnType<typeof changesOf>;

/** Accounts, for the administrators of the tenant in which a principal acts. */
export type UserStore = ReturnType<typeof userStore>;

export function userStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }) {
  return {
    /** A page of accounts, newest first. */
    async list({ tenant }: Principal, page: UserPage): Promise<StoredUser[]> {
      let query = selectAccounts(db).where("users.tenant_id", "=", tenant);
      if (page.role !== Role.UNSPECIFIED) query = query.where(hasRole(page.role));
      if (page.active !== undefined) query = query.where("users.active", "=", page.active);
      if (page.usernamePrefix !== "") {
        query = query.where(sql<boolean>`starts_with(${sql.ref("users.username")}, ${page.usernamePrefix})`);
      }
      if (page.after !== undefined) query = query.where("users.id", "<", page.after);
      return (await query.orderBy("users.id", "desc").limit(page.limit).execute()).map(toUser);
    },

    /** One account. Rejects with ACCOUNT_NOT_FOUND. */
    async load({ tenant }: Principal, id: string): Promise<StoredUser> {
      const query = selectAccounts(db).where("users.tenant_id", "=", tenant);
      const row = await query.where("users.id", "=", id).executeTakeFirst();
      if (!row) throw errors.accountNotFound({ id });
      return toUser(row);
    },

    /**
     * Makes the changes of a call and returns its answer, both once for the
     * call's idempotency key. `work` awaits the changes that it is given and
     * nothing else. Rejects with EMAIL_TAKEN when another account has the address.
     */
    async change<M extends DescMethodUnary>(
      call: HandledCall<M>,
      work: (changes: UserChanges) => Promise<MessageInitShape<M["output"]>>,
    ) {
      const principal = principalOf(call.context);
      try {
        return await once(db, { ...call, clock }, (trx) =>
          work(changesOf(trx, { principal, call: callOf(call.context), clock })),
        );
      } catch (error) {
        throw violatedConstraint(error) === "users_email_once" ? errors.emailTaken(error) : error;
      }
    },
  };
}

interface Origin {
  readonly principal: Principal;
  readonly call: Call;
  readonly clock: Clock;
}

function changesOf(trx: Trx, { principal: { tenant }, call, clock }: Origin) {
  const ended = async (user: StoredUser) => {
    const wasSuperAdmin = user.active && user.roles.includes(Role.SUPER_ADMIN);
    if (wasSuperAdmin) await requireSuperAdmin(trx);
    await revocations(trx, clock).account(tenant, user.id);
  };

  const load = async (id: string): Promise<StoredUser> => {
    const query = selectAccounts(trx).where("users.tenant_id", "=", tenant);
    const row = await query.where("users.id", "=", id).forUpdate("users").executeTakeFirst();
    if (!row) throw errors.accountNotFound({ id });
    return toUser(row);
  };

  return {
    /** Waits for others that change the account. Rejects with ACCOUNT_NOT_FOUND. */
    load,

    /** What the tenant's roles permit. */
    roleTable: () => loadRoleTable(trx, tenant),

    /**
     * Saves what was wanted over what was loaded, and ends the tokens of an account
     * that may do something else now. Rejects with LAST_SUPER_ADMIN.
     */
    async replace(current: StoredUser, wanted: User, changedFields: string[]): Promise<StoredUser> {
      const { id, version } = current;
      await trx
        .updateTable("users")
        .set({
          roles: wanted.roles.map(roleNames.nameOf),
          tier: tierNames.nameOf(wanted.tier),
          active: wanted.active,
          email: wanted.email || null,
          version: version + 1n,
          update_time: new Date(clock.now()),
        })
        .where("tenant_id", "=", tenant)
        .where("id", "=", id)
        .execute();
      if (changedFields.some((field) => field !== "email")) await ended(current);
      // Whoever reads the former address could use what was sent there.
      if (changedFields.includes("email")) await dropTokens(trx, id);
      const { roles, tier, active } = wanted;
      const message = create(UserUpdatedSchema, { userId: id, changedFields, roles, tier, active });
      await recordEvent(trx, {
        call,
        clock,
        tenant,
        aggregate: { type: "user", id, version: version + 1n },
        payload: { schema: UserUpdatedSchema, message },
      });
      return load(id);
    },

    /** Ends the sessions of an account with their tokens. */
    async endSessions({ id }: StoredUser): Promise<void> {
      await endSessions(trx, { tenant, user: id, call, clock }, "", { end: SessionEnd.ADMINISTRATOR });
    },
  };
}

/** Drops what was sent to the address that an account had, or wanted to have. */
async function dropTokens(trx: Trx, user: string): Promise<void> {
  await trx.deleteFrom("password_resets").where("user_id", "=", user).execute();
  await trx.deleteFrom("email_confirmations").where("user_id", "=", user).execute();
}

function toUser(row: AccountRow): StoredUser {
  return { ...toAccount(row), active: row.active, version: row.version, updateTime: row.update_time };
}
