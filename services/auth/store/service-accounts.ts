import { create, type DescMessage, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Kysely, Transaction } from "kysely";
import {
  ServiceAccountCreatedSchema,
  ServiceAccountDeletedSchema,
  ServiceAccountSecretRotatedSchema,
  ServiceAccountUpdatedSchema,
} from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { ServiceAccount } from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import type { Clock } from "../../kit/clock.js";
import { type Call, callOf, type Principal, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { type HandledCall, once } from "../../kit/idempotency/handle.js";
import { newId } from "../../kit/ids.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import type { Page } from "../../kit/page-token.js";
import { violatedConstraint } from "../../kit/stores/database/kysely.js";
import type { StoredServiceAccount } from "../domain/service-account.js";
import type { AuthTables } from "../store.js";
import { revocations } from "./revocations.js";
import { loadRoleTable } from "./role-tables.js";
import { serviceAccountValues, toServiceAccount } from "./service-account-rows.js";

type Tables = AuthTables & OutboxTables;
type Trx = Transaction<Tables>;

/** Changes of the tenant's service accounts within one transaction, each a row and an event. */
export type ServiceAccountChanges = ReturnType<typeof changesOf>;

/** Keeps service accounts. Whatever a principal asks for or changes is of the tenant in which it acts. */
export type ServiceAccountStore = ReturnType<typeof serviceAccountStore>;

export function serviceAccountStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }) {
  return {
    /** A page of service accounts, newest first. */
    async list({ tenant }: Principal, { after, limit }: Page): Promise<StoredServiceAccount[]> {
      let query = db.selectFrom("service_accounts").selectAll().where("tenant_id", "=", tenant);
      if (after !== undefined) query = query.where("id", "<", after);
      return (await query.orderBy("id", "desc").limit(limit).execute()).map(toServiceAccount);
    },

    /** One service account. Rejects with SERVICE_ACCOUNT_NOT_FOUND. */
    load: (principal: Principal, id: string) => loadAccount(db, principal, id),

    /**
     * Makes the changes of a call and returns its answer, both once for the call's
     * idempotency key. `work` awaits the changes that it is given and nothing else. Rejects
     * with SERVICE_ACCOUNT_TAKEN when another has a name or a SPIFFE id already.
     */
    async change<M extends DescMethodUnary>(
      call: HandledCall<M>,
      wanted: ServiceAccount | undefined,
      work: (changes: ServiceAccountChanges) => Promise<MessageInitShape<M["output"]>>,
    ) {
      const principal = principalOf(call.context);
      try {
        return await once(db, { ...call, clock }, (trx) =>
          work(changesOf(trx, { principal, call: callOf(call.context), clock })),
        );
      } catch (error) {
        throw takenError(error, wanted) ?? error;
      }
    },
  };
}

async function loadAccount(
  db: Kysely<Tables>,
  { tenant }: Principal,
  id: string,
): Promise<StoredServiceAccount> {
  const query = db.selectFrom("service_accounts").selectAll().where("tenant_id", "=", tenant);
  const row = await query.where("id", "=", id).executeTakeFirst();
  if (!row) throw errors.serviceAccountNotFound({ id });
  return toServiceAccount(row);
}

function takenError(error: unknown, wanted: ServiceAccount | undefined) {
  switch (violatedConstraint(error)) {
    case "service_accounts_name_once":
      return errors.serviceAccountTaken({ field: "name", value: wanted?.name ?? "" }, error);
    case "service_accounts_spiffe_id_once":
      return errors.serviceAccountTaken({ field: "SPIFFE id", value: wanted?.spiffeId ?? "" }, error);
    default:
      return undefined;
  }
}

interface Origin {
  readonly principal: Principal;
  readonly call: Call;
  readonly clock: Clock;
}

function changesOf(trx: Trx, { principal, call, clock }: Origin) {
  const now = new Date(clock.now());

  const record = <D extends DescMessage>(
    { id, version, tenant }: StoredServiceAccount,
    schema: D,
    message: MessageInitShape<D>,
  ) =>
    recordEvent(trx, {
      call,
      clock,
      tenant,
      aggregate: { type: "service_account", id, version },
      payload: { schema, message: create(schema, message) },
    });

  /** Waits for others that change the account, so that what was loaded is what is replaced. */
  const load = async (id: string): Promise<StoredServiceAccount> => {
    const query = trx.selectFrom("service_accounts").selectAll().where("tenant_id", "=", principal.tenant);
    const row = await query.where("id", "=", id).forUpdate().executeTakeFirst();
    if (!row) throw errors.serviceAccountNotFound({ id });
    return toServiceAccount(row);
  };

  const save = async (
    { id, version }: StoredServiceAccount,
    values: Partial<ReturnType<typeof serviceAccountValues>> & {
      readonly secret_hash?: Uint8Array;
      readonly former_secret_hash?: Uint8Array | null;
      readonly former_secret_expire_time?: Date | null;
    },
  ): Promise<StoredServiceAccount> => {
    const row = await trx
      .updateTable("service_accounts")
      .set({ ...values, version: version + 1n, update_time: now })
      .where("tenant_id", "=", principal.tenant)
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return toServiceAccount(row);
  };

  return {
    load,

    /** What the tenant's roles permit. */
    roleTable: () => loadRoleTable(trx, principal.tenant),

    /** Adds a service account with the hash of its secret. */
    async insert(wanted: ServiceAccount, secretHash: Uint8Array): Promise<StoredServiceAccount> {
      const row = {
        id: newId(),
        tenant_id: principal.tenant,
        ...serviceAccountValues(wanted),
        secret_hash: secretHash,
        version: 1n,
        create_time: now,
        update_time: now,
      };
      const added = await trx
        .insertInto("service_accounts")
        .values(row)
        .returningAll()
        .executeTakeFirstOrThrow();
      const account = toServiceAccount(added);
      const { id: serviceAccountId, roles, permissions, spiffeId } = account;
      await record(account, ServiceAccountCreatedSchema, {
        serviceAccountId,
        roles: [...roles],
        permissions: [...permissions],
        spiffeId,
      });
      return account;
    },

    /** Saves what was wanted over what was loaded; ends its tokens where they may do something else now. */
    async replace(current: StoredServiceAccount, wanted: ServiceAccount, changedFields: string[]) {
      const account = await save(current, serviceAccountValues(wanted));
      const rights = ["roles", "permissions", "tier", "spiffe_id"];
      if (changedFields.some((field) => rights.includes(field))) {
        await revocations(trx, clock).account(principal.tenant, current.id);
      }
      await record(account, ServiceAccountUpdatedSchema, { serviceAccountId: account.id, changedFields });
      return account;
    },

    /** Stores a new secret; the one before works until `formerUntil`, or ends now with all tokens of the account. */
    async rotate(current: StoredServiceAccount, secretHash: Uint8Array, formerUntil: Date | undefined) {
      const former = await trx
        .selectFrom("service_accounts")
        .select("secret_hash")
        .where("id", "=", current.id)
        .executeTakeFirstOrThrow();
      const account = await save(current, {
        secret_hash: secretHash,
        former_secret_hash: formerUntil ? former.secret_hash : null,
        former_secret_expire_time: formerUntil ?? null,
      });
      if (!formerUntil) await revocations(trx, clock).account(principal.tenant, current.id);
      await record(account, ServiceAccountSecretRotatedSchema, {
        serviceAccountId: account.id,
        ...(formerUntil && { formerSecretExpireTime: timestampFromDate(formerUntil) }),
      });
      return account;
    },

    /** Deletes a service account, and ends its tokens. */
    async remove(current: StoredServiceAccount): Promise<void> {
      await revocations(trx, clock).account(principal.tenant, current.id);
      const row = trx.deleteFrom("service_accounts").where("tenant_id", "=", principal.tenant);
      await row.where("id", "=", current.id).execute();
      const gone = { ...current, version: current.version + 1n };
      await record(gone, ServiceAccountDeletedSchema, { serviceAccountId: current.id });
    },
  };
}
