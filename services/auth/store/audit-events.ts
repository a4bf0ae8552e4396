import type { Kysely, SelectQueryBuilder } from "kysely";
import { type AuditEvent, AuditOutcome } from "#gen/ts/consciousness/auth/v1/audit_service_pb.js";
import { lowestIdAt } from "../../kit/ids.js";
import type { Page } from "../../kit/page-token.js";
import type { AuthTables } from "../store.js";
import { type AuditEventsTable, type AuditFacts, toAuditEvent, toAuditRow } from "./audit-rows.js";

/** An event and whose records it belongs to; an empty name stands for the platform's. */
export interface RecordedEvent {
  readonly event: AuditFacts;
  readonly tenants: ReadonlySet<string>;
}

/** Which events are wanted; what is empty selects everything. */
export interface AuditFilter {
  /** Milliseconds of the epoch: from, inclusive, and until, exclusive. */
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  readonly outcome: AuditOutcome;
  /** Equal to these. */
  readonly equal: Partial<
    Pick<AuditEventsTable, "subject" | "method" | "reason" | "target" | "address" | "request_id">
  >;
}

/** Which page of a record. */
export interface AuditPage extends AuditFilter, Page {}

/** The audit record, to which events are added. */
export interface AuditStore {
  /** Adds events, those that are there already excepted. */
  add(events: readonly RecordedEvent[]): Promise<void>;
  /** A page of the record of a tenant, newest first. */
  list(tenant: string, page: AuditPage): Promise<AuditEvent[]>;
}

const denied = ["UNAUTHENTICATED", "PERMISSION_DENIED"];

export function auditStore({ db }: { db: Kysely<AuthTables> }): AuditStore {
  return {
    async add(events) {
      const rows = events.flatMap(({ event, tenants }) =>
        [...tenants].map((tenant) => toAuditRow(event, tenant)),
      );
      if (rows.length === 0) return;
      await db
        .insertInto("audit_events")
        .values(rows)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },

    async list(tenant, { after, limit, ...filter }) {
      let query = db.selectFrom("audit_events").selectAll().where("tenant_id", "=", tenant);
      if (after !== undefined) query = query.where("id", "<", after);
      const rows = await filtered(query, filter).orderBy("id", "desc").limit(limit).execute();
      return rows.map(toAuditEvent);
    },
  };
}

type Query<O> = SelectQueryBuilder<AuthTables, "audit_events", O>;

function filtered<O>(query: Query<O>, { startMs, endMs, outcome, equal }: AuditFilter): Query<O> {
  let found = ofOutcome(query, outcome);
  if (startMs !== undefined) found = found.where("id", ">=", lowestIdAt(startMs));
  if (endMs !== undefined) found = found.where("id", "<", lowestIdAt(endMs));
  return found.where((where) => where.and(equal));
}

function ofOutcome<O>(query: Query<O>, outcome: AuditOutcome): Query<O> {
  switch (outcome) {
    case AuditOutcome.UNSPECIFIED:
      return query;
    case AuditOutcome.OK:
      return query.where("code", "=", "OK");
    case AuditOutcome.DENIED:
      return query.where("code", "in", denied);
    case AuditOutcome.FAILED:
      return query.where("code", "not in", ["OK", ...denied]);
  }
}
