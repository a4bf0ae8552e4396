import type { Kysely } from "kysely";
import {
  PasswordChangedSchema,
  PasswordResetCreatedSchema,
} from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Call } from "../../kit/context.js";
import type { OutboxTables } from "../../kit/outbox.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import type { Account } from "../domain/account.js";
import type { AuthTables } from "../store.js";
import { selectAccounts, toAccount } from "./accounts.js";
import { endSessions } from "./end-sessions.js";
import { revocations } from "./revocations.js";
import { changeUser } from "./user-changes.js";

type Tables = AuthTables & OutboxTables;

/** How long a token works, in milliseconds. */
const lifetimeMs = 30 * 60_000;

/** Reset tokens, one at most for each account. */
export interface PasswordResetStore {
  /** The active account that somebody names by its user name or its address. */
  find(tenant: string, account: string): Promise<Account | undefined>;
  /**
   * Makes a token, by its hash, the account's only one, and returns its expiry;
   * undefined, and nothing, when the account got one within the last `pauseMs`.
   */
  put(account: Account, tokenHash: Uint8Array, call: Call, pauseMs?: number): Promise<Date | undefined>;
  /** The active account of a token that works now. */
  accountOf(tokenHash: Uint8Array): Promise<Account | undefined>;
  /** Uses a token up: sets the password and ends all that the account is signed in by; false when somebody was faster. */
  use(tokenHash: Uint8Array, account: Account, hash: string, call: Call): Promise<boolean>;
}

export function passwordResetStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }): PasswordResetStore {
  const active = () => selectAccounts(db).where("users.active", "=", true).where("tenants.active", "=", true);

  return {
    async find(tenant, account) {
      if (account.includes("\0")) return undefined;
      const names = active().where("tenants.id", "=", tenant);
      const row = await names
        .where((is) =>
          is.or([is("username", "=", account), is("email", "in", [account, account.toLowerCase()])]),
        )
        .orderBy("users.id")
        .executeTakeFirst();
      return row && toAccount(row);
    },

    put: (account, tokenHash, call, pauseMs) =>
      transaction(db, async (trx) => {
        const { id: user, tenant } = account;
        const create_time = new Date(clock.now());
        const expire_time = new Date(clock.now() + lifetimeMs);
        const made = { token_hash: tokenHash, create_time, expire_time };
        const latest = new Date(clock.now() - (pauseMs ?? 0));
        const put = await trx
          .insertInto("password_resets")
          .values({ ...made, user_id: user, tenant_id: tenant })
          .onConflict((conflict) =>
            conflict.column("user_id").doUpdateSet(made).where("password_resets.create_time", "<=", latest),
          )
          .returning("user_id")
          .executeTakeFirst();
        if (!put) return undefined;
        const event = { schema: PasswordResetCreatedSchema, message: { userId: user } };
        await changeUser(trx, { tenant, user, call, clock }, {}, event);
        return expire_time;
      }),

    async accountOf(tokenHash) {
      const row = await active()
        .innerJoin("password_resets", "password_resets.user_id", "users.id")
        .where("token_hash", "=", tokenHash)
        .where("expire_time", ">", new Date(clock.now()))
        .executeTakeFirst();
      return row && toAccount(row);
    },

    use: (tokenHash, { id: user, tenant }, hash, call) =>
      transaction(db, async (trx) => {
        const used = await trx
          .deleteFrom("password_resets")
          .where("user_id", "=", user)
          .where("token_hash", "=", tokenHash)
          .where("expire_time", ">", new Date(clock.now()))
          .returning("user_id")
          .executeTakeFirst();
        if (!used) return false;
        const change = { tenant, user, call, clock };
        const event = { schema: PasswordChangedSchema, message: { userId: user, byReset: true } };
        await changeUser(trx, change, { password_hash: hash }, event);
        await endSessions(trx, change);
        await revocations(trx, clock).account(tenant, user);
        return true;
      }),
  };
}
