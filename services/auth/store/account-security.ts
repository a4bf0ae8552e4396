import type { Kysely } from "kysely";
import { PasswordStrengthenedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Call } from "../../kit/context.js";
import type { OutboxTables } from "../../kit/outbox.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import type { Account } from "../domain/account.js";
import type { AuthTables } from "../store.js";
import { changeUser } from "./user-changes.js";

/** What keeps an account its owner's. */
export interface AccountSecurity {
  /** Replaces the hash of an account's password by another of the same password; nothing when the password has changed. */
  replaceHash(account: Account, hash: string, call: Call): Promise<void>;
}

export function accountSecurity({
  db,
  clock,
}: {
  db: Kysely<AuthTables & OutboxTables>;
  clock: Clock;
}): AccountSecurity {
  return {
    replaceHash: (account, hash, call) =>
      transaction(db, async (trx) => {
        const { tenant, id: user, passwordHash: formerHash } = account;
        const event = { schema: PasswordStrengthenedSchema, message: { userId: user } };
        await changeUser(trx, { tenant, user, call, clock, formerHash }, { password_hash: hash }, event);
      }),
  };
}
