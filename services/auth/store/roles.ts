import { create, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import type { Kysely, Selectable, Transaction } from "kysely";
import { RoleUpdatedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Role } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Clock } from "../../kit/clock.js";
import { type Call, callOf, type Principal, principalOf } from "../../kit/context.js";
import { type HandledCall, once } from "../../kit/idempotency/handle.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import { permissionNames, roleNames } from "../domain/grants.js";
import { knownRoles, permissionList, roleId, type StoredRole } from "../domain/role-changes.js";
import type { AuthTables } from "../store.js";
import { revocations } from "./revocations.js";

type Tables = AuthTables & OutboxTables;
type Trx = Transaction<Tables>;
type Row = Selectable<AuthTables["role_permissions"]>;

/** Changes of the tenant's roles within one transaction, each a row and an event. */
export type RoleChanges = ReturnType<typeof changesOf>;

/** What the roles permit in the tenant in which a principal acts. */
export type RoleStore = ReturnType<typeof roleStore>;

export function roleStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }) {
  return {
    /** Every role. */
    async list({ tenant }: Principal): Promise<StoredRole[]> {
      const rows = await db
        .selectFrom("role_permissions")
        .selectAll()
        .where("tenant_id", "=", tenant)
        .execute();
      return knownRoles.map((role) => toRole(tenant, role, rows));
    },

    /**
     * Makes the changes of a call and returns its answer, both once for the
     * call's idempotency key. `work` awaits the changes that it is given and
     * nothing else.
     */
    change<M extends DescMethodUnary>(
      call: HandledCall<M>,
      work: (changes: RoleChanges) => Promise<MessageInitShape<M["output"]>>,
    ) {
      const { tenant } = principalOf(call.context);
      return once(db, { ...call, clock }, (trx) =>
        work(changesOf(trx, { tenant, call: callOf(call.context), clock })),
      );
    },
  };
}

interface Origin {
  readonly tenant: string;
  readonly call: Call;
  readonly clock: Clock;
}

function changesOf(trx: Trx, { tenant, call, clock }: Origin) {
  return {
    /** Waits for others that change the tenant's roles, changed before or not. */
    async load(role: Role): Promise<StoredRole> {
      await trx.selectFrom("tenants").select("id").where("id", "=", tenant).forNoKeyUpdate().execute();
      const query = trx.selectFrom("role_permissions").selectAll().where("tenant_id", "=", tenant);
      return toRole(tenant, role, await query.where("role", "=", roleNames.nameOf(role)).execute());
    },

    /**
     * Keeps what a role shall permit, or that it permits what is shipped, and ends
     * the tokens of every account that has it.
     */
    async replace(current: StoredRole, permissions: readonly Permission[] | undefined): Promise<StoredRole> {
      const { role } = current;
      const changed = {
        permissions: permissionList(permissions),
        version: current.version + 1n,
        update_time: new Date(clock.now()),
      };
      const key = { tenant_id: tenant, role: roleNames.nameOf(role) };
      await trx
        .insertInto("role_permissions")
        .values({ ...key, ...changed })
        .onConflict((conflict) => conflict.columns(["tenant_id", "role"]).doUpdateSet(changed))
        .execute();
      await revocations(trx, clock).accountsOfRole(tenant, key.role);
      const customized = permissions !== undefined;
      await recordEvent(trx, {
        call,
        clock,
        tenant,
        aggregate: { type: "role", id: roleId(tenant, role), version: changed.version },
        payload: {
          schema: RoleUpdatedSchema,
          message: create(RoleUpdatedSchema, { role, permissions: [...(permissions ?? [])], customized }),
        },
      });
      return toRole(tenant, role, [{ ...key, ...changed }]);
    },
  };
}

function toRole(tenant: string, role: Role, rows: readonly Row[]): StoredRole {
  const row = rows.find((one) => one.role === roleNames.nameOf(role));
  return {
    tenant,
    role,
    permissions: row?.permissions ? permissionNames.valuesOf(row.permissions) : undefined,
    version: row?.version ?? 0n,
    updateTime: row?.update_time,
  };
}
