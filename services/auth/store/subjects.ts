import type { Kysely } from "kysely";
import { validate } from "uuid";
import { SubjectKind } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import type { Principal } from "../../kit/context.js";
import type { AuthTables } from "../store.js";

/** What the accounts of a tenant are. */
export interface SubjectStore {
  /** What an account of the principal's tenant is; undefined when there is none of this id. */
  kindOf(principal: Principal, id: string): Promise<SubjectKind | undefined>;
  /** Id of the tenant of a name, disabled or not; undefined for none. */
  tenantOf(name: string): Promise<string | undefined>;
  /** Id of the tenant of a user, in whichever it is; undefined for none. */
  tenantOfUser(id: string): Promise<string | undefined>;
  /** The service account of an id, in whichever tenant; undefined for none. */
  machine(id: string): Promise<{ readonly tenant: string; readonly id: string } | undefined>;
}

export function subjectStore({ db }: { db: Kysely<AuthTables> }): SubjectStore {
  const exists = async (table: "users" | "service_accounts", tenant: string, id: string) => {
    const query = db.selectFrom(table).select("id").where("tenant_id", "=", tenant).where("id", "=", id);
    return (await query.executeTakeFirst()) !== undefined;
  };
  return {
    async kindOf({ tenant }, id) {
      if (await exists("users", tenant, id)) return SubjectKind.USER;
      return (await exists("service_accounts", tenant, id)) ? SubjectKind.MACHINE : undefined;
    },
    async tenantOf(name) {
      const row = await db.selectFrom("tenants").select("id").where("name", "=", name).executeTakeFirst();
      return row?.id;
    },
    async tenantOfUser(id) {
      if (!validate(id)) return undefined;
      const query = db.selectFrom("users").select("tenant_id").where("id", "=", id);
      return (await query.executeTakeFirst())?.tenant_id;
    },
    async machine(id) {
      if (!validate(id)) return undefined;
      const query = db.selectFrom("service_accounts").select(["id", "tenant_id"]).where("id", "=", id);
      const row = await query.executeTakeFirst();
      return row && { tenant: row.tenant_id, id: row.id };
    },
  };
}
