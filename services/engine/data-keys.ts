import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import type { Kysely } from "kysely";
import { LRUCache } from "lru-cache";
import type { Clock } from "../kit/clock.js";
import { wrongKey } from "../kit/sealing/key-encryption-key.js";
import { seal, unseal } from "../kit/sealing/sealed.js";

/** Setting of the key that seals the tenants' data keys. */
export const keyEncryptionKeySetting = "ENGINE_KEY_ENCRYPTION_KEY";

/** Row of `data_keys`. */
export interface DataKeysTable {
  tenant_id: string;
  sealed_key: Uint8Array;
  create_time: Date;
}

/** What a tenant's data key is used for; neither says anything of the other. */
export interface DataKey {
  /** 32 bytes for AES-256-GCM. */
  readonly encryption: Uint8Array;
  /** HMAC-SHA-256 of the parts, each kept apart from the next. */
  digest(...parts: readonly string[]): Buffer;
}

/** What keeping data keys takes. */
export interface DataKeysOptions {
  readonly db: Kysely<{ data_keys: DataKeysTable }>;
  readonly keyEncryptionKey: Uint8Array;
  readonly clock: Clock;
}

/** The data keys of tenants. */
export interface DataKeys {
  /** The tenant's key, made at the first call. Throws `ConfigError` when it was sealed under another key. */
  of(tenant: string): Promise<DataKey>;
}

const keyBytes = 32;
const mostKept = 1_000;

/**
 * Opens the data keys. Rejects with `ConfigError` when those there are were
 * sealed under another key-encryption key.
 */
export async function openDataKeys({ db, keyEncryptionKey, clock }: DataKeysOptions): Promise<DataKeys> {
  const kept = new LRUCache<string, DataKey>({ max: mostKept });
  const open = ({
    tenant_id: tenant,
    sealed_key: sealed,
  }: Pick<DataKeysTable, "tenant_id" | "sealed_key">) => {
    try {
      return derived(unseal(sealed, keyEncryptionKey, labelOf(tenant)));
    } catch {
      throw wrongKey(keyEncryptionKeySetting, "the key that the tenants' data keys were sealed under");
    }
  };
  const [first] = await db.selectFrom("data_keys").selectAll().limit(1).execute();
  if (first) open(first);

  return {
    async of(tenant) {
      const known = kept.get(tenant);
      if (known) return known;
      const stored = () =>
        db.selectFrom("data_keys").selectAll().where("tenant_id", "=", tenant).executeTakeFirst();
      let row = await stored();
      if (!row) {
        const sealed_key = seal(randomBytes(keyBytes), keyEncryptionKey, labelOf(tenant));
        const made = { tenant_id: tenant, sealed_key, create_time: new Date(clock.now()) };
        await db
          .insertInto("data_keys")
          .values(made)
          .onConflict((one) => one.column("tenant_id").doNothing())
          .execute();
        // Another replica may have been first.
        row = (await stored()) ?? made;
      }
      const key = open(row);
      kept.set(tenant, key);
      return key;
    },
  };
}

function labelOf(tenant: string): string {
  return `data key of ${tenant}`;
}

/** Keys for each use, by HKDF-SHA-256 (RFC 5869). */
function derived(key: Uint8Array): DataKey {
  const keyFor = (use: string) => new Uint8Array(hkdfSync("sha256", key, new Uint8Array(), use, keyBytes));
  const lookup = keyFor("pseudonyms: lookup");
  return {
    encryption: keyFor("pseudonyms: encryption"),
    digest: (...parts) => createHmac("sha256", lookup).update(JSON.stringify(parts)).digest(),
  };
}
