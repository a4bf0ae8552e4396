import type { DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Kysely, Transaction } from "kysely";
import {
  AccountUnlockedSchema,
  PasswordChangedSchema,
  PasswordStrengthenedSchema,
} from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Call, Principal } from "../../kit/context.js";
import { type HandledCall, once } from "../../kit/idempotency/handle.js";
import type { OutboxTables } from "../../kit/outbox.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import type { Account } from "../domain/account.js";
import type { AuthTables } from "../store.js";
import { selectAccounts, toAccount } from "./accounts.js";
import { endSessions } from "./end-sessions.js";
import { changeUser } from "./user-changes.js";

type Tables = AuthTables & OutboxTables;
type Trx = Transaction<Tables>;

/** What keeps an account its owner's. */
export interface AccountSecurity {
  /** Has the effect of a call once for its idempotency key, by SQL on its transaction alone. */
  change<M extends DescMethodUnary>(
    call: HandledCall<M>,
    work: (trx: Trx) => Promise<MessageInitShape<M["output"]>>,
  ): Promise<MessageShape<M["output"]>>;
  /** An account of the tenant in which the principal acts. */
  inTenant(principal: Principal, id: string): Promise<Account | undefined>;
  /** Replaces the hash of an account's password by another of the same password; nothing when the password has changed. */
  replaceHash(account: Account, hash: string, call: Call): Promise<void>;
  /** Replaces an account's password, and ends its sessions but the one given; false, and nothing, when it has changed meanwhile. */
  replacePassword(account: Account, hash: string, call: Call, session: string): Promise<boolean>;
  /** Records that an account may sign in at once, with what makes it so. */
  unlock(account: Account, call: Call, settle: (trx: Trx) => Promise<unknown>): Promise<void>;
}

export function accountSecurity({ db, clock }: { db: Kysely<Tables>; clock: Clock }): AccountSecurity {
  const changeOf = ({ tenant, id: user }: Account, call: Call) => ({ tenant, user, call, clock });
  return {
    change: (call, work) => once(db, { ...call, clock }, work),

    async inTenant({ tenant }, id) {
      const query = selectAccounts(db).where("users.tenant_id", "=", tenant);
      const row = await query.where("users.id", "=", id).executeTakeFirst();
      return row && toAccount(row);
    },

    replaceHash: (account, hash, call) =>
      transaction(db, async (trx) => {
        const change = { ...changeOf(account, call), formerHash: account.passwordHash };
        const event = { schema: PasswordStrengthenedSchema, message: { userId: account.id } };
        await changeUser(trx, change, { password_hash: hash }, event);
      }),

    replacePassword: (account, hash, call, session) =>
      transaction(db, async (trx) => {
        const change = { ...changeOf(account, call), formerHash: account.passwordHash };
        const event = { schema: PasswordChangedSchema, message: { userId: account.id } };
        if (!(await changeUser(trx, change, { password_hash: hash }, event))) return false;
        await endSessions(trx, change, session);
        return true;
      }),

    unlock: (account, call, settle) =>
      transaction(db, async (trx) => {
        await settle(trx);
        const event = { schema: AccountUnlockedSchema, message: { userId: account.id } };
        await changeUser(trx, changeOf(account, call), {}, event);
      }),
  };
}
