import type { Kysely, Transaction } from "kysely";
import type { Event } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { transaction } from "../stores/database/kysely.js";
import { type Consumer, type ConsumerOptions, startConsumer } from "./consumer.js";

interface InboxTables {
  inbox: { consumer: string; event_id: string; handled_at: Date };
}

/** What `consume` needs: `ConsumerOptions` with a transaction in place of `apply`. */
export interface ConsumeOptions<Tables> extends Omit<ConsumerOptions, "apply"> {
  /** The consumer's own schema. */
  readonly db: Kysely<Tables>;
  /** Makes the effect of an event in the transaction; awaits SQL on it and nothing else. */
  handler(trx: Transaction<Tables>, event: Event): Promise<void>;
}

/**
 * Starts a consumer whose effects happen once per event: the event's id is
 * inserted into `inbox` in the transaction of the effect, so both are kept or
 * neither, and whoever comes second finds it.
 */
export function consume<Tables>({ db, handler, ...options }: ConsumeOptions<Tables>): Promise<Consumer> {
  return startConsumer({
    ...options,
    apply: (event) =>
      transaction(db, async (trx) => {
        const row = await (trx as unknown as Transaction<InboxTables>)
          .insertInto("inbox")
          .values({ consumer: options.name, event_id: event.id, handled_at: new Date(options.clock.now()) })
          .onConflict((conflict) => conflict.doNothing())
          .returning("event_id")
          .executeTakeFirst();
        if (!row) return "duplicate";
        await handler(trx, event);
        return "applied";
      }),
  });
}

/**
 * Forgets events that were handled before the time, at most `limit`; returns how
 * many. Keep them longer than the bus and the dead letters keep theirs.
 */
export async function pruneInbox<Tables>(
  db: Kysely<Tables>,
  { before, limit }: { readonly before: Date; readonly limit: number },
): Promise<number> {
  const inbox = db as unknown as Kysely<InboxTables>;
  const old = inbox
    .selectFrom("inbox")
    .select(["consumer", "event_id"])
    .where("handled_at", "<", before)
    .orderBy("handled_at")
    .limit(limit);
  const { numDeletedRows } = await inbox
    .deleteFrom("inbox")
    .where((where) =>
      where(where.refTuple("consumer", "event_id"), "in", old.$asTuple("consumer", "event_id")),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}
