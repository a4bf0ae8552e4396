import { create, type DescMessage, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import type { Kysely, Selectable, Transaction } from "kysely";
import { TenantCreatedSchema, TenantUpdatedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Tenant } from "#gen/ts/consciousness/auth/v1/tenants_service_pb.js";
import type { Clock } from "../../kit/clock.js";
import { type Call, callOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { type HandledCall, once } from "../../kit/idempotency/handle.js";
import { newId } from "../../kit/ids.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import type { Page } from "../../kit/page-token.js";
import { violatedConstraint } from "../../kit/stores/database/kysely.js";
import { defaultTenant } from "../domain/account.js";
import type { StoredTenant } from "../domain/tenant.js";
import type { AuthTables } from "../store.js";
import { revocations } from "./revocations.js";
import { requireSuperAdmin } from "./super-admins.js";

type Tables = AuthTables & OutboxTables;
type Trx = Transaction<Tables>;

/** Changes of tenants within one transaction, each a row and an event. */
export type TenantChanges = ReturnType<typeof changesOf>;

/** Keeps tenants, which belong to nobody: whoever asks administers all of them. */
export type TenantStore = ReturnType<typeof tenantStore>;

export function tenantStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }) {
  return {
    /** A page of tenants, newest first, the default tenant last. */
    async list({ after, limit }: Page): Promise<StoredTenant[]> {
      let query = db.selectFrom("tenants").selectAll();
      if (after !== undefined) {
        query = query.where((row) => row.or([row("id", "<", after), row("id", "=", defaultTenant)]));
      }
      const ordered = query.orderBy((row) => row("id", "=", defaultTenant)).orderBy("id", "desc");
      return (await ordered.limit(limit).execute()).map(toTenant);
    },

    /** One tenant. Rejects with TENANT_NOT_FOUND. */
    async load(id: string): Promise<StoredTenant> {
      const row = await db.selectFrom("tenants").selectAll().where("id", "=", id).executeTakeFirst();
      if (!row) throw errors.tenantNotFound({ tenant: id });
      return toTenant(row);
    },

    /** Id of the tenant of an id or a name, active or not. Rejects with TENANT_NOT_FOUND. */
    async resolve(tenant: string): Promise<string> {
      const query = db.selectFrom("tenants").select("id");
      const row = tenant.includes("\0")
        ? undefined
        : await query
            .where((at) => at.or([at("id", "=", tenant), at("name", "=", tenant)]))
            .executeTakeFirst();
      if (!row) throw errors.tenantNotFound({ tenant });
      return row.id;
    },

    /**
     * Makes the changes of a call and returns its answer, both once for the
     * call's idempotency key. Rejects with TENANT_NAME_TAKEN when another has the name.
     */
    async change<M extends DescMethodUnary>(
      call: HandledCall<M>,
      name: string,
      work: (changes: TenantChanges) => Promise<MessageInitShape<M["output"]>>,
    ) {
      try {
        return await once(db, { ...call, clock }, (trx) => work(changesOf(trx, callOf(call.context), clock)));
      } catch (error) {
        throw violatedConstraint(error) === "tenants_name_once"
          ? errors.tenantNameTaken({ name }, error)
          : error;
      }
    },
  };
}

function changesOf(trx: Trx, call: Call, clock: Clock) {
  const now = new Date(clock.now());

  const record = <D extends DescMessage>(
    { id, version }: StoredTenant,
    schema: D,
    message: MessageInitShape<D>,
  ) =>
    recordEvent(trx, {
      call,
      clock,
      tenant: id,
      aggregate: { type: "tenant", id, version },
      payload: { schema, message: create(schema, message) },
    });

  return {
    /** Waits for others that change the tenant. Rejects with TENANT_NOT_FOUND. */
    async load(id: string): Promise<StoredTenant> {
      const query = trx.selectFrom("tenants").selectAll().where("id", "=", id);
      const row = await query.forUpdate().executeTakeFirst();
      if (!row) throw errors.tenantNotFound({ tenant: id });
      return toTenant(row);
    },

    async insert(wanted: Tenant): Promise<StoredTenant> {
      const row = { id: newId(), name: wanted.name, version: 1n, create_time: now, update_time: now };
      const added = await trx
        .insertInto("tenants")
        .values({ ...row, ...columnsOf(wanted), active: true })
        .returningAll()
        .executeTakeFirstOrThrow();
      const tenant = toTenant(added);
      await record(tenant, TenantCreatedSchema, { tenantId: tenant.id, name: tenant.name });
      return tenant;
    },

    /**
     * Saves what was wanted over what was loaded. Disabling ends the tokens of its
     * accounts; rejects with LAST_SUPER_ADMIN when nobody is left to enable it.
     */
    async replace(current: StoredTenant, wanted: Tenant, changedFields: string[]): Promise<StoredTenant> {
      const row = await trx
        .updateTable("tenants")
        .set({ ...columnsOf(wanted), version: current.version + 1n, update_time: now })
        .where("id", "=", current.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      const tenant = toTenant(row);
      if (current.active && !tenant.active) {
        await requireSuperAdmin(trx);
        await revocations(trx, clock).tenant(tenant.id);
      }
      const { id: tenantId, active } = tenant;
      await record(tenant, TenantUpdatedSchema, { tenantId, changedFields, active });
      return tenant;
    },
  };
}

function columnsOf({ displayName, openRegistration, active, limits }: Tenant) {
  return {
    display_name: displayName,
    open_registration: openRegistration,
    active,
    requests_per_hour: limits?.requestsPerHour ?? null,
    concurrent_calls: limits?.concurrentCalls ?? null,
  };
}

function toTenant(row: Selectable<AuthTables["tenants"]>): StoredTenant {
  return {
    id: row.id,
    name: row.name,
    displayName: row.display_name,
    openRegistration: row.open_registration,
    active: row.active,
    requestsPerHour: row.requests_per_hour ?? undefined,
    concurrentCalls: row.concurrent_calls ?? undefined,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}
