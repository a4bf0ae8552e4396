import type { Consumer } from "../../../services/kit/events/consumer.js";
import { consume } from "../../../services/kit/events/inbox.js";
import { natsBus } from "../../../services/kit/stores/bus/nats.js";
import { openSchema } from "../../../services/kit/stores/database/kysely.js";
import { migrate } from "../../../services/kit/stores/database/migrate.js";
import { openPostgres } from "../../../services/kit/stores/database/postgres.js";
import { reporting } from "../../kit/events/events.js";
import type { Dependencies } from "./dependencies.js";

/** An event's effect, in the order of the effects. */
export interface Effect {
  readonly event_id: string;
  readonly aggregate: string;
  readonly version: bigint;
}

/** A consumer of every service's events, in a schema of its own. */
export interface Reader {
  effects(): Promise<readonly Effect[]>;
  stop(): Promise<void>;
}

interface ReaderTables {
  effects: Effect;
}

// Nothing here keeps a second effect out: an event that has two shows.
const table = `create table effects (
  position bigint generated always as identity,
  event_id uuid not null,
  aggregate text not null,
  version bigint not null
)`;

/** Services whose events are read. */
export const eventful = ["agents", "engine", "auth"] as const;

/** Starts to read; each event makes one effect. */
export async function startReader({ postgres, database, natsUrl }: Dependencies): Promise<Reader> {
  const pool = openPostgres({
    address: postgres.address(database),
    applicationName: "reader",
    poolSize: 8,
  });
  await migrate(pool, { schema: "reader", migrations: [{ name: "0001_effects.sql", sql: table }] });
  const db = openSchema<ReaderTables>(pool, "reader");
  const bus = await natsBus({ servers: [natsUrl] });
  const consumers: Consumer[] = [];
  for (const service of eventful) {
    const consumer = await consume<ReaderTables>({
      ...reporting(),
      db,
      bus,
      name: `reader-${service}`,
      subject: `events.${service}.>`,
      ackWaitMs: 3_000,
      deadLetters: bus.deadLetters,
      handler: async (trx, { id, aggregateType, aggregateId, version }) => {
        const effect = { event_id: id, aggregate: `${aggregateType} ${aggregateId}`, version };
        await trx.insertInto("effects").values(effect).execute();
      },
    });
    consumers.push(consumer);
  }
  return {
    effects: async () =>
      postgres.run<Effect>(
        "select event_id, aggregate, version from reader.effects order by position",
        database,
      ),
    async stop() {
      await Promise.all(consumers.map((consumer) => consumer.stop()));
      await bus.close();
      await pool.end();
    },
  };
}
