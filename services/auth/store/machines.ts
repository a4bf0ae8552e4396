import type { Kysely, Selectable } from "kysely";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Principal } from "../../kit/context.js";
import type { OutboxTables } from "../../kit/outbox.js";
import type { KnownKey } from "../../kit/tokens/api-key.js";
import { type Account, principalOfAccount } from "../domain/account.js";
import { permissionNames } from "../domain/grants.js";
import { hashSecret, sameHash } from "../domain/machine-secrets.js";
import { permissionsOf } from "../domain/roles.js";
import { principalOfServiceAccount } from "../domain/service-account.js";
import type { AuthTables } from "../store.js";
import { toAccount } from "./accounts.js";
import { roleTableOf, type StoredRoleTable, toRoleTable } from "./role-tables.js";
import { toServiceAccount } from "./service-account-rows.js";

/** Last use is noted once in this time, in milliseconds. */
const noteEveryMs = 60_000;
// Compared where no account was found, so that it takes the time of one.
const nobodysHash = hashSecret("");

/** The principal of a key, and when the key expires. */
export interface RedeemedKey {
  readonly principal: Principal;
  readonly expireTime: Date;
}

/** Tells whom a machine's credential stands for; undefined when it stands for nobody. */
export interface MachineStore {
  /** The key's owner, narrowed to the key's scopes. Notes the use of the key, once a minute. */
  ofApiKey(key: KnownKey): Promise<RedeemedKey | undefined>;
  ofSecret(clientId: string, secret: string): Promise<Principal | undefined>;
  /** By a SPIFFE id that the gateway has verified. */
  ofCertificate(spiffeId: string): Promise<Principal | undefined>;
  /** Whether the principal's key still works, or its service account is there, with the same rights. */
  isLive(principal: Principal): Promise<boolean>;
}

export function machineStore({
  db,
  clock,
}: {
  db: Kysely<AuthTables & OutboxTables>;
  clock: Clock;
}): MachineStore {
  const keys = () =>
    db
      .selectFrom("api_keys")
      .innerJoin("users", (join) =>
        join
          .onRef("users.id", "=", "api_keys.user_id")
          .onRef("users.tenant_id", "=", "api_keys.tenant_id")
          .on("users.active", "=", true),
      )
      .innerJoin("tenants", (join) =>
        join.onRef("tenants.id", "=", "users.tenant_id").on("tenants.active", "=", true),
      )
      .where("api_keys.expire_time", ">", new Date(clock.now()));

  const noteUse = async (id: string, last: Date | null): Promise<void> => {
    if (last && clock.now() - last.getTime() < noteEveryMs) return;
    const last_use_time = new Date(clock.now());
    await db.updateTable("api_keys").set({ last_use_time }).where("id", "=", id).execute();
  };

  const accounts = () =>
    db
      .selectFrom("service_accounts")
      .innerJoin("tenants", (join) =>
        join.onRef("tenants.id", "=", "service_accounts.tenant_id").on("tenants.active", "=", true),
      )
      .selectAll("service_accounts")
      .select(roleTableOf("service_accounts.tenant_id"));

  return {
    async ofApiKey({ prefix, hash }) {
      const row = await keys()
        .selectAll("users")
        .select(["tenants.active as tenant_active", roleTableOf("users.tenant_id")])
        .select(["api_keys.id as key_id", "hash", "scopes", "last_use_time"])
        .select("api_keys.expire_time as key_expire_time")
        .where("prefix", "=", prefix)
        .executeTakeFirst();
      if (!sameHash(row?.hash ?? nobodysHash, hash) || !row) return undefined;
      await noteUse(row.key_id, row.last_use_time);
      const principal = principalOfKey(toAccount(row), row.key_id, permissionNames.valuesOf(row.scopes));
      return { principal, expireTime: row.key_expire_time };
    },

    async ofSecret(clientId, secret) {
      const row = isUuid(clientId)
        ? await accounts().where("service_accounts.id", "=", clientId).executeTakeFirst()
        : undefined;
      const given = hashSecret(secret);
      const current = sameHash(row?.secret_hash ?? nobodysHash, given);
      const former = sameHash(row?.former_secret_hash ?? nobodysHash, given);
      const overlaps = (row?.former_secret_expire_time?.getTime() ?? 0) > clock.now();
      return row && (current || (former && overlaps)) ? allOf(row) : undefined;
    },

    async ofCertificate(spiffeId) {
      const row = await accounts().where("spiffe_id", "=", spiffeId).executeTakeFirst();
      return row && allOf(row);
    },

    async isLive({ kind, home, subject, apiKey, epoch }) {
      if (kind === "user" && apiKey !== "") {
        const key = keys().select("api_keys.id").where("api_keys.id", "=", apiKey);
        const live = key.where("user_id", "=", subject).where("api_keys.tenant_id", "=", home);
        return (await live.where("users.epoch", "=", epoch).executeTakeFirst()) !== undefined;
      }
      if (kind !== "machine" || apiKey !== "" || !isUuid(subject)) return false;
      const account = accounts().where("service_accounts.id", "=", subject).where("tenant_id", "=", home);
      return (await account.where("epoch", "=", epoch).executeTakeFirst()) !== undefined;
    },
  };
}

/**
 * The owner of a key, with those permissions alone that both have. It has no
 * role, which would stand for more than the key permits.
 */
function principalOfKey(owner: Account, apiKey: string, scopes: readonly Permission[]): Principal {
  const whole = principalOfAccount(owner, "");
  const permissions = new Set(scopes.filter((permission) => whole.permissions.has(permission)));
  return { ...whole, roles: [], permissions, apiKey };
}

/** A service account with all that it has. */
function allOf(
  row: Selectable<AuthTables["service_accounts"]> & { readonly role_table: StoredRoleTable },
): Principal {
  const account = toServiceAccount(row);
  const ofRoles = permissionsOf(account.roles, toRoleTable(row.role_table));
  return principalOfServiceAccount(account, new Set([...ofRoles, ...account.permissions]));
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

// PostgreSQL fails on what is no UUID, where nobody is to be found.
function isUuid(text: string): boolean {
  return uuid.test(text);
}
