import type { Kysely } from "kysely";
import type { PublicKey, StoredKey } from "../domain/signing-keys.js";
import type { AuthTables } from "../store.js";

/** Signing keys; they belong to no tenant. */
export interface SigningKeyStore {
  add(key: StoredKey): Promise<void>;
  newest(): Promise<StoredKey | undefined>;
  /** The public halves of all keys, newest first. */
  published(): Promise<PublicKey[]>;
}

export function signingKeyStore({ db }: { db: Kysely<AuthTables> }): SigningKeyStore {
  const newestFirst = db.selectFrom("signing_keys").orderBy("create_time", "desc").orderBy("kid");
  return {
    async add(key) {
      const { kid, modulus, exponent, sealedPrivateKey, createTime } = key;
      const row = { kid, modulus, exponent, sealed_private_key: sealedPrivateKey, create_time: createTime };
      await db.insertInto("signing_keys").values(row).execute();
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
