import { create } from "@bufbuild/protobuf";
import { type Kysely, type Selectable, sql } from "kysely";
import {
  type ListRevocationsResponse,
  ListRevocationsResponseSchema,
  type Revocation,
  RevocationSchema,
} from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { OutboxTables } from "../../kit/outbox.js";
import type { AuthTables } from "../store.js";

/** Most entries of one page. */
const pageSize = 1000;

/** What was revoked, for those who verify tokens. */
export interface RevocationLog {
  /**
   * Entries of the transactions that had not ended when `since` was answered,
   * or of all for 0, in the order of their positions.
   */
  list(since: bigint, afterPosition: bigint): Promise<ListRevocationsResponse>;
  /** Drops entries that no token needs any more. */
  dropExpired(): Promise<void>;
}

/**
 * Reads by transaction id: each answer says which was the lowest that had not
 * ended, and the next one begins there. So nobody misses a transaction that
 * commits after one that drew later positions, however long it takes, and
 * without one in progress nothing is read twice.
 */
export function revocationLog({
  db,
  clock,
}: {
  db: Kysely<AuthTables & OutboxTables>;
  clock: Clock;
}): RevocationLog {
  return {
    async list(since, afterPosition) {
      const now = new Date(clock.now());
      const { rows } = await sql<Page>`
        select lowest::text, r.* from (
          select pg_snapshot_xmin(snapshot) as lowest, pg_snapshot_xmax(snapshot) as next
          from pg_current_snapshot() as snapshot
        ) as transactions
        left join lateral (
          select position, kind, tenant_id, subject, epoch, create_time, expire_time
          from ${sql.table("auth.revocations")}
          where expire_time > ${now} and position > ${afterPosition}
            -- A database that was restored counts from the start again.
            and (xid >= ${String(since)}::xid8 or ${String(since)}::xid8 > next)
          order by position limit ${pageSize}
        ) as r on true
        order by position`.execute(db);
      const revocations = rows.filter(isEntry).map((row) => toRevocation(row, clock.now()));
      return create(ListRevocationsResponseSchema, {
        revocations,
        nextSince: BigInt(rows[0]?.lowest ?? 0),
        more: revocations.length === pageSize,
      });
    },
    async dropExpired() {
      const now = new Date(clock.now());
      await db.deleteFrom("revocations").where("expire_time", "<=", now).execute();
    },
  };
}

type Entry = Omit<Selectable<AuthTables["revocations"]>, "xid">;
type Page = { readonly lowest: string } & (Entry | { readonly position: null });

function isEntry(row: Page): row is { readonly lowest: string } & Entry {
  return row.position !== null;
}

function toRevocation(row: Entry, now: number): Revocation {
  return create(RevocationSchema, {
    position: row.position,
    tenantId: row.tenant_id,
    target: targetOf(row),
    epoch: row.epoch,
    time: BigInt(Math.floor(row.create_time.getTime() / 1000)),
    expiresIn: Math.ceil((row.expire_time.getTime() - now) / 1000),
  });
}

function targetOf({ kind, subject: value }: Entry): Revocation["target"] {
  switch (kind) {
    case "SESSION":
      return { case: "sessionId", value };
    case "ACCOUNT":
      return { case: "accountId", value };
    case "API_KEY":
      return { case: "apiKeyId", value };
    case "TENANT":
      return { case: "tenant", value: true };
  }
}
