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
