import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import {
  SigningKeyPublishedSchema,
  SigningKeyWithdrawnSchema,
} from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Clock } from "../../kit/clock.js";
import { newId } from "../../kit/ids.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import { defaultTenant } from "../domain/account.js";
import type { RotationPlan } from "../domain/key-rotation.js";
import type { PublicMembers, StoredKey } from "../domain/signing-keys.js";
import type { AuthTables } from "../store.js";

/** Signing keys; they belong to no tenant. */
export interface SigningKeyStore {
  /** All that are published, in the order in which they sign. */
  list(): Promise<StoredKey[]>;
  /**
   * Does what the plan says of the keys as they are when no other replica
   * rotates them; `made` is added if the plan still wants one. Returns the keys.
   */
  rotate(
    plan: (keys: readonly StoredKey[]) => RotationPlan,
    made: StoredKey | undefined,
  ): Promise<StoredKey[]>;
}

type Tables = AuthTables & OutboxTables;
type Trx = Transaction<Tables>;

export function signingKeyStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }): SigningKeyStore {
  const record = <D extends DescMessage>(
    trx: Trx,
    kid: string,
    version: bigint,
    schema: D,
    message: MessageShape<D>,
  ) =>
    recordEvent(trx, {
      call: { requestId: newId(), principal: undefined },
      clock,
      tenant: defaultTenant,
      aggregate: { type: "signing_key", id: kid, version },
      payload: { schema, message },
    });

  const add = async (trx: Trx, key: StoredKey) => {
    await trx.insertInto("signing_keys").values(toRow(key)).execute();
    const message = create(SigningKeyPublishedSchema, { kid: key.kid });
    await record(trx, key.kid, 1n, SigningKeyPublishedSchema, message);
  };

  const withdraw = async (trx: Trx, kid: string) => {
    await trx.deleteFrom("signing_keys").where("kid", "=", kid).execute();
    await record(trx, kid, 2n, SigningKeyWithdrawnSchema, create(SigningKeyWithdrawnSchema, { kid }));
  };

  return {
    list: () => listKeys(db),
    rotate: (plan, made) =>
      transaction(db, async (trx) => {
        await sql`select pg_advisory_xact_lock(hashtextextended('signing keys of auth', 0))`.execute(trx);
        const { signTime, dropPrivate, withdraw: kids } = plan(await listKeys(trx));
        if (signTime && made) await add(trx, { ...made, signTime });
        if (dropPrivate.length > 0) {
          const retired = trx.updateTable("signing_keys").where("kid", "in", dropPrivate);
          await retired.set({ sealed_private_key: null }).execute();
        }
        for (const kid of kids) await withdraw(trx, kid);
        return listKeys(trx);
      }),
  };
}

async function listKeys(db: Kysely<Tables>): Promise<StoredKey[]> {
  const query = db.selectFrom("signing_keys").selectAll().orderBy("sign_time").orderBy("kid");
  return (await query.execute()).map(toKey);
}

function toRow({ kid, algorithm, members, sealedPrivateKey, createTime, signTime }: StoredKey) {
  const isRsa = "n" in members;
  return {
    kid,
    algorithm,
    modulus: isRsa ? members.n : null,
    exponent: isRsa ? members.e : null,
    x: isRsa ? null : members.x,
    y: isRsa ? null : members.y,
    sealed_private_key: sealedPrivateKey ?? null,
    create_time: createTime,
    sign_time: signTime,
  };
}

function toKey(row: Selectable<AuthTables["signing_keys"]>): StoredKey {
  return {
    kid: row.kid,
    algorithm: row.algorithm,
    members: membersOf(row),
    canSign: row.sealed_private_key !== null,
    sealedPrivateKey: row.sealed_private_key ?? undefined,
    createTime: row.create_time,
    signTime: row.sign_time,
  };
}

function membersOf({ modulus, exponent, x, y }: Selectable<AuthTables["signing_keys"]>): PublicMembers {
  return modulus !== null && exponent !== null ? { n: modulus, e: exponent } : { x: x ?? "", y: y ?? "" };
}
