import type { Kysely, Transaction } from "kysely";
import {
  type SecondFactorMode,
  SecondFactorModeSchema,
} from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import {
  RecoveryCodeUsedSchema,
  SecondFactorBegunSchema,
  SecondFactorEnabledSchema,
  SecondFactorRemovedSchema,
} from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Call } from "../../kit/context.js";
import { enumNames } from "../../kit/enum-names.js";
import type { OutboxTables } from "../../kit/outbox.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import type { Owner, SecondFactor } from "../domain/second-factor.js";
import type { AuthTables } from "../store.js";
import { endSessions } from "./end-sessions.js";
import { changeUser } from "./user-changes.js";

type Tables = AuthTables & OutboxTables;
type Trx = Transaction<Tables>;

/** Second factors, one at most for each account. */
export interface SecondFactorStore {
  /** The account's second factor, switched on or not yet. */
  load(owner: Owner, trx?: Trx): Promise<SecondFactor | undefined>;
  /** Stores one that waits to be confirmed; false, and nothing, when one is switched on. */
  begin(owner: Owner, factor: Pick<SecondFactor, "sealedSecret" | "mode">, call: Call): Promise<boolean>;
  /** Switches it on with these hashes of recovery codes, and ends the other sessions; false when none waits. */
  enable(trx: Trx, owner: Owner, change: Enabling): Promise<boolean>;
  /** Takes a code's time step; false when that or a later one was taken before, by whatever replica. */
  takeStep(owner: Owner, step: number): Promise<boolean>;
  /** Takes a recovery code by its hash; false when there is none such any more. */
  takeRecoveryCode(owner: Owner, hash: Uint8Array, call: Call): Promise<boolean>;
  /** Drops it and ends the sessions of its account but the one given; nothing when there is none that is switched on. */
  remove(owner: Owner, call: Call, session: string): Promise<void>;
}

/** How a second factor is switched on. */
export interface Enabling {
  readonly sealedSecret: Uint8Array;
  /** The step whose code has shown that its owner has it. */
  readonly step: number;
  readonly codeHashes: readonly Uint8Array[];
  readonly call: Call;
  /** The session that goes on. */
  readonly session: string;
}

const modeNames = enumNames<SecondFactorMode>(SecondFactorModeSchema);

export function secondFactorStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }): SecondFactorStore {
  const changeOf = ({ tenant, id: user }: Owner, call: Call) => ({ tenant, user, call, clock });
  return {
    async load(owner, trx) {
      const query = (trx ?? db).selectFrom("second_factors").selectAll().where("user_id", "=", owner.id);
      const row = await query.where("tenant_id", "=", owner.tenant).executeTakeFirst();
      return row && toSecondFactor(row);
    },

    begin: (owner, factor, call) =>
      transaction(db, async (trx) => {
        if (!(await putPending(trx, owner, factor, new Date(clock.now())))) return false;
        const event = { schema: SecondFactorBegunSchema, message: { userId: owner.id } };
        return changeUser(trx, changeOf(owner, call), {}, event);
      }),

    async enable(trx, owner, { sealedSecret, step, codeHashes, call, session }) {
      const enabled = await trx
        .updateTable("second_factors")
        .set({ confirm_time: new Date(clock.now()), last_step: BigInt(step) })
        .where("user_id", "=", owner.id)
        .where("confirm_time", "is", null)
        .where("sealed_secret", "=", sealedSecret)
        .returning("user_id")
        .executeTakeFirst();
      if (!enabled) return false;
      const codes = codeHashes.map((hash) => ({ user_id: owner.id, hash }));
      await trx.insertInto("recovery_codes").values(codes).execute();
      await endSessions(trx, changeOf(owner, call), session);
      const event = { schema: SecondFactorEnabledSchema, message: { userId: owner.id } };
      return changeUser(trx, changeOf(owner, call), {}, event);
    },

    async takeStep(owner, step) {
      const later = db
        .updateTable("second_factors")
        .set({ last_step: BigInt(step) })
        .where("user_id", "=", owner.id)
        .where("last_step", "<", BigInt(step));
      return (await later.returning("user_id").executeTakeFirst()) !== undefined;
    },

    takeRecoveryCode: (owner, hash, call) =>
      transaction(db, async (trx) => {
        const codes = trx.deleteFrom("recovery_codes").where("user_id", "=", owner.id);
        if (!(await codes.where("hash", "=", hash).returning("hash").executeTakeFirst())) return false;
        const left = trx.selectFrom("recovery_codes").select("hash").where("user_id", "=", owner.id);
        const message = { userId: owner.id, codesLeft: (await left.execute()).length };
        return changeUser(trx, changeOf(owner, call), {}, { schema: RecoveryCodeUsedSchema, message });
      }),

    remove: (owner, call, session) =>
      transaction(db, async (trx) => {
        const factor = trx.deleteFrom("second_factors").where("user_id", "=", owner.id);
        const removed = factor.where("tenant_id", "=", owner.tenant).where("confirm_time", "is not", null);
        if (!(await removed.returning("user_id").executeTakeFirst())) return;
        await endSessions(trx, changeOf(owner, call), session);
        const event = { schema: SecondFactorRemovedSchema, message: { userId: owner.id } };
        await changeUser(trx, changeOf(owner, call), {}, event);
      }),
  };
}

async function putPending(
  trx: Trx,
  { tenant, id }: Owner,
  { sealedSecret, mode }: Pick<SecondFactor, "sealedSecret" | "mode">,
  now: Date,
): Promise<boolean> {
  const pending = { sealed_secret: sealedSecret, mode: modeNames.nameOf(mode), create_time: now };
  const row = { ...pending, user_id: id, tenant_id: tenant, confirm_time: null, last_step: 0n };
  const put = await trx
    .insertInto("second_factors")
    .values(row)
    .onConflict((conflict) =>
      conflict.column("user_id").doUpdateSet(pending).where("second_factors.confirm_time", "is", null),
    )
    .returning("user_id")
    .executeTakeFirst();
  return put !== undefined;
}

function toSecondFactor(row: {
  sealed_secret: Uint8Array;
  mode: string;
  confirm_time: Date | null;
}): SecondFactor {
  const mode = modeNames.valueOf(row.mode) ?? 0;
  return { sealedSecret: row.sealed_secret, mode, confirmed: row.confirm_time !== null };
}
