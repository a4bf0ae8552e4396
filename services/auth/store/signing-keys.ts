import { create } from "@bufbuild/protobuf";
import type { Kysely } from "kysely";
import { SigningKeyPublishedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Clock } from "../../kit/clock.js";
import { newId } from "../../kit/ids.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import { defaultTenant } from "../domain/account.js";
import type { PublicKey, StoredKey } from "../domain/signing-keys.js";
import type { AuthTables } from "../store.js";

/** Signing keys; they belong to no tenant. */
export interface SigningKeyStore {
  add(key: StoredKey): Promise<void>;
  newest(): Promise<StoredKey | undefined>;
  /** The public halves of all keys, newest first. */
  published(): Promise<PublicKey[]>;
}

export function signingKeyStore({
  db,
  clock,
}: {
  db: Kysely<AuthTables & OutboxTables>;
  clock: Clock;
}): SigningKeyStore {
  const newestFirst = db.selectFrom("signing_keys").orderBy("create_time", "desc").orderBy("kid");
  return {
    async add(key) {
      const { kid, modulus, exponent, sealedPrivateKey, createTime } = key;
      const row = { kid, modulus, exponent, sealed_private_key: sealedPrivateKey, create_time: createTime };
      await transaction(db, async (trx) => {
        await trx.insertInto("signing_keys").values(row).execute();
        await recordEvent(trx, {
          call: { requestId: newId(), principal: undefined },
          clock,
          tenant: defaultTenant,
          aggregate: { type: "signing_key", id: kid, version: 1n },
          payload: {
            schema: SigningKeyPublishedSchema,
            message: create(SigningKeyPublishedSchema, { kid }),
          },
        });
      });
    },
    async newest() {
      const row = await newestFirst.selectAll().limit(1).executeTakeFirst();
      if (!row) return undefined;
      const { kid, modulus, exponent } = row;
      return {
        kid,
        modulus,
        exponent,
        sealedPrivateKey: row.sealed_private_key,
        createTime: row.create_time,
      };
    },
    published: () => newestFirst.select(["kid", "modulus", "exponent"]).execute(),
  };
}
