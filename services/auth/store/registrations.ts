import type { Kysely, Transaction } from "kysely";
import { EmailConfirmedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Call } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import type { OutboxTables } from "../../kit/outbox.js";
import { transaction, violatedConstraint } from "../../kit/stores/database/kysely.js";
import type { NewAccount } from "../domain/account.js";
import type { AuthTables } from "../store.js";
import { insertAccount } from "./accounts.js";
import { changeUser } from "./user-changes.js";

type Tables = AuthTables & OutboxTables;

/** How long a token that confirms an address works, in milliseconds. */
const lifetimeMs = 24 * 3_600_000;
/** How soon after a message another goes to the same address, in milliseconds. */
const pauseMs = 60_000;

/** An address that an account claims. */
export interface ClaimedAddress {
  readonly tenant: string;
  readonly user: string;
  readonly email: string;
  readonly tokenHash: Uint8Array;
}

/** Accounts that people make themselves. */
export interface RegistrationStore {
  /** Whether the tenant takes everybody in. */
  isOpen(tenant: string): Promise<boolean>;
  /** Whether an account of the tenant has the address. */
  isTaken(tenant: string, email: string, trx?: Transaction<Tables>): Promise<boolean>;
  /**
   * Makes an account with what belongs to that. Throws USERNAME_TAKEN, or
   * EMAIL_TAKEN for an address that somebody has vouched for.
   */
  add(account: NewAccount, call: Call, settle: (trx: Transaction<Tables>) => Promise<void>): Promise<void>;
  /** Stores a token that confirms an address; false, and nothing, when a message has just gone there. */
  claim(address: ClaimedAddress): Promise<boolean>;
  /** Makes an address its account's by a token's hash, and returns the account's id; undefined, and nothing, when the token or the address is no longer good. */
  confirm(tokenHash: Uint8Array, call: Call): Promise<string | undefined>;
}

export function registrationStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }): RegistrationStore {
  const isTaken = async (at: Kysely<Tables>, tenant: string, column: "username" | "email", value: string) => {
    const query = at.selectFrom("users").select("id").where("tenant_id", "=", tenant);
    return (await query.where(column, "=", value).executeTakeFirst()) !== undefined;
  };
  return {
    async isOpen(tenant) {
      const query = db.selectFrom("tenants").select("open_registration").where("id", "=", tenant);
      return (await query.where("active", "=", true).executeTakeFirst())?.open_registration ?? false;
    },

    isTaken: (tenant, email, trx) => isTaken(trx ?? db, tenant, "email", email),

    add: (account, call, settle) =>
      transaction(db, async (trx) => {
        const { tenant, username } = account;
        if (!(await insertAccount(trx, account, { call, clock }))) {
          throw (await isTaken(trx, tenant, "username", username))
            ? errors.usernameTaken({ username })
            : errors.emailTaken();
        }
        await settle(trx);
      }),

    async claim({ tenant, user, email, tokenHash }) {
      const expire_time = new Date(clock.now() + lifetimeMs);
      const recent = await db
        .selectFrom("email_confirmations")
        .select("user_id")
        .where("tenant_id", "=", tenant)
        .where("email", "=", email)
        .where("expire_time", ">", new Date(expire_time.getTime() - pauseMs))
        .executeTakeFirst();
      if (recent) return false;
      const row = { user_id: user, tenant_id: tenant, email, token_hash: tokenHash, expire_time };
      await db.insertInto("email_confirmations").values(row).execute();
      return true;
    },

    async confirm(tokenHash, call) {
      try {
        return await transaction(db, async (trx) => {
          const claims = trx.deleteFrom("email_confirmations").where("token_hash", "=", tokenHash);
          const claim = await claims
            .where("expire_time", ">", new Date(clock.now()))
            .returning(["user_id", "tenant_id", "email"])
            .executeTakeFirst();
          if (!claim) return undefined;
          const change = { tenant: claim.tenant_id, user: claim.user_id, call, clock };
          const event = { schema: EmailConfirmedSchema, message: { userId: claim.user_id } };
          return (await changeUser(trx, change, { email: claim.email }, event)) ? claim.user_id : undefined;
        });
      } catch (error) {
        // Somebody else has confirmed it meanwhile.
        if (violatedConstraint(error) === "users_email_once") return undefined;
        throw error;
      }
    },
  };
}
