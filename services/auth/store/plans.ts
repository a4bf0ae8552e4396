import type { Kysely } from "kysely";
import { Tier, TierSchema } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Principal } from "../../kit/context.js";
import { enumNames } from "../../kit/enum-names.js";
import type { AuthTables } from "../store.js";

/** What a tenant's accounts may use together; undefined for no limit. */
export interface StoredPlan {
  readonly requestsPerHour: number | undefined;
  readonly concurrentCalls: number | undefined;
}

/** What tenants and accounts may use. */
export interface PlanStore {
  /** Undefined when there is no such tenant. */
  ofTenant(id: string): Promise<StoredPlan | undefined>;
  /** Tier of a user or a service account of the principal's tenant; undefined when there is none of this id. */
  tierOf(principal: Principal, account: string): Promise<Tier | undefined>;
}

const tierNames = enumNames<Tier>(TierSchema);

export function planStore({ db }: { db: Kysely<AuthTables> }): PlanStore {
  const tierIn = (table: "users" | "service_accounts", tenant: string, id: string) =>
    db
      .selectFrom(table)
      .select("tier")
      .where("tenant_id", "=", tenant)
      .where("id", "=", id)
      .executeTakeFirst();
  return {
    async ofTenant(id) {
      const row = await db
        .selectFrom("tenants")
        .select(["requests_per_hour", "concurrent_calls"])
        .where("id", "=", id)
        .executeTakeFirst();
      return (
        row && {
          requestsPerHour: row.requests_per_hour ?? undefined,
          concurrentCalls: row.concurrent_calls ?? undefined,
        }
      );
    },
    async tierOf({ tenant }, account) {
      const row =
        (await tierIn("users", tenant, account)) ?? (await tierIn("service_accounts", tenant, account));
      return row && (tierNames.valueOf(row.tier) ?? Tier.BASIC);
    },
  };
}
