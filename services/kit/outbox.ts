import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ColumnType, Generated, Insertable, Kysely, Selectable, Transaction } from "kysely";
import { type Event, EventSchema } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import type { Clock } from "./clock.js";
import type { Call } from "./context.js";
import { newId } from "./ids.js";
import { traceParent } from "./spans.js";
import { withNext } from "./stores/database/kysely.js";

/**
 * An event as stored: `consciousness.contract.v1.Event`, a column per field. The
 * payload is kept in protobuf's binary form with its type's full name, as that
 * is what leaves: a relay forwards it without knowing any domain, a renamed
 * field still reads, and fields of a newer writer survive.
 */
export interface OutboxTable {
  id: string;
  tenant_id: string;
  aggregate_type: string;
  aggregate_id: string;
  version: bigint;
  time: Date;
  actor: string;
  causation_id: string;
  trace_parent: string;
  key_id: string;
  payload_type: string;
  payload: Uint8Array;
  /** Order of insertion; of an aggregate's events, the order of its versions. */
  position: Generated<bigint>;
  /** When the bus answered for the event; null until then. */
  published_at: ColumnType<Date | null, never, Date>;
}

/** What every service's schema has from the kit. */
export interface OutboxTables {
  outbox: OutboxTable;
}

/** The thing that changed. */
export interface Aggregate {
  /** Kind, such as `agent`. */
  readonly type: string;
  readonly id: string;
  /** Its version after the change, counted from 1. */
  readonly version: bigint;
}

/** What `recordEvent` needs to tell what happened. */
export interface EventRecord<D extends DescMessage> {
  /** The call that caused it; at boot, whatever stands for one. */
  readonly call: Pick<Call, "requestId" | "principal" | "sampledOut">;
  readonly clock: Clock;
  readonly tenant: string;
  readonly aggregate: Aggregate;
  /** A message of the domain's `*_events.proto`. */
  readonly payload: { readonly schema: D; readonly message: MessageShape<D> };
  /** Who did it, where the call has no principal, such as at sign-in. */
  readonly actor?: string;
  /** Key under which personal data in the payload is encrypted. */
  readonly keyId?: string;
}

/**
 * Writes an event in the transaction of the change it tells of, and returns its
 * id. Its version is that of the aggregate's own row, which the transaction has
 * made, or advanced by comparing: so no two events of an aggregate have the same
 * one, whatever their months. A writer that breaks with this meets a constraint
 * `outbox_<year>_<month>_once`, which sees one month. The transaction may learn of
 * a failure at its next statement only.
 */
export async function recordEvent<Tables extends OutboxTables, D extends DescMessage>(
  trx: Transaction<Tables>,
  record: EventRecord<D>,
): Promise<string> {
  const row = toRow(record);
  await (trx as unknown as Transaction<OutboxTables>)
    .insertInto("outbox")
    .values(row)
    .modifyEnd(withNext)
    .execute();
  return row.id;
}

/** Which events to read. */
export interface EventQuery {
  /** Only those of one aggregate. */
  readonly aggregate?: Pick<Aggregate, "type" | "id">;
  /** Only those with a later id. */
  readonly afterId?: string;
  readonly limit: number;
}

/**
 * Events in the order of their ids, which is the order of recording within a
 * process. Across processes a transaction may commit after one with a later id,
 * so `afterId` alone is no cursor for a relay.
 */
export async function readEvents<Tables extends OutboxTables>(
  db: Kysely<Tables>,
  { aggregate, afterId, limit }: EventQuery,
): Promise<Event[]> {
  let query = (db as unknown as Kysely<OutboxTables>).selectFrom("outbox").selectAll();
  if (aggregate) {
    query = query.where("aggregate_type", "=", aggregate.type).where("aggregate_id", "=", aggregate.id);
  }
  if (afterId) query = query.where("id", ">", afterId);
  return (await query.orderBy("id").limit(limit).execute()).map(toEvent);
}

function toRow<D extends DescMessage>(record: EventRecord<D>): Insertable<OutboxTable> {
  const { call, clock, tenant, aggregate, payload } = record;
  return {
    id: newId(),
    tenant_id: tenant,
    aggregate_type: aggregate.type,
    aggregate_id: aggregate.id,
    version: aggregate.version,
    time: new Date(clock.now()),
    actor: record.actor ?? call.principal?.subject ?? "",
    causation_id: call.requestId,
    trace_parent: traceParent() || (call.sampledOut ?? ""),
    key_id: record.keyId ?? "",
    payload_type: payload.schema.typeName,
    payload: toBinary(payload.schema, payload.message),
  };
}

/** The event that a row holds. */
export function toEvent(row: Selectable<OutboxTable>): Event {
  return create(EventSchema, {
    id: row.id,
    tenantId: row.tenant_id,
    aggregateType: row.aggregate_type,
    aggregateId: row.aggregate_id,
    version: row.version,
    time: timestampFromDate(row.time),
    actor: row.actor,
    causationId: row.causation_id,
    traceParent: row.trace_parent,
    keyId: row.key_id,
    payload: { typeUrl: `type.googleapis.com/${row.payload_type}`, value: row.payload },
  });
}
