import { create } from "@bufbuild/protobuf";
import { AgentDeletedSchema } from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { systemClock } from "../../services/kit/clock.js";
import { newId } from "../../services/kit/ids.js";
import { recordEvent } from "../../services/kit/outbox.js";
import { openSchema, transaction } from "../../services/kit/stores/database/kysely.js";
import { migrate } from "../../services/kit/stores/database/migrate.js";
import { openPglite } from "../../services/kit/stores/database/pglite.js";

// A process that writes rows with their events into the directory of its
// argument, and prints the id of each once it is acknowledged, until killed.
const [directory = ""] = process.argv.slice(2);
const database = await openPglite({ directory });
const migrations = [{ name: "0001_thing.sql", sql: "create table thing (id uuid primary key)" }];
await migrate(database, { schema: "things", migrations });
const db = openSchema<{ thing: { id: string } }>(database, "things");

async function writeForever(): Promise<never> {
  for (;;) {
    const id = newId();
    await transaction(db, async (trx) => {
      await trx.insertInto("thing").values({ id }).execute();
      await recordEvent(trx, {
        call: { requestId: "request", principal: undefined },
        clock: systemClock,
        tenant: "t1",
        aggregate: { type: "thing", id, version: 1n },
        payload: { schema: AgentDeletedSchema, message: create(AgentDeletedSchema, { agentId: id }) },
      });
    });
    process.stdout.write(`${id}\n`);
  }
}

await Promise.all(Array.from({ length: 20 }, writeForever));
