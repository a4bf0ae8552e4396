import { create } from "@bufbuild/protobuf";
import { AgentDeletedSchema } from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { systemClock } from "../../services/kit/clock.js";
import { consume } from "../../services/kit/events/inbox.js";
import { createRelay } from "../../services/kit/events/relay.js";
import { newId } from "../../services/kit/ids.js";
import { createLog } from "../../services/kit/log.js";
import { createMetrics } from "../../services/kit/metrics.js";
import { recordEvent } from "../../services/kit/outbox.js";
import { natsBus } from "../../services/kit/stores/bus/nats.js";
import { openSchema, transaction } from "../../services/kit/stores/database/kysely.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { readPostgresUrl } from "../../services/kit/stores/database/postgres-url.js";

// A process that writes, relays or consumes events until it is killed, as its
// first argument says; the others are the URLs of PostgreSQL and of NATS. The
// writer prints the id of each event once its transaction is acknowledged.
const [role = "", databaseUrl = "", natsUrl = ""] = process.argv.slice(2);
const url = readPostgresUrl(databaseUrl);
if (!("address" in url)) throw new Error(url.problem);
const database = await openPostgres({ address: url.address, applicationName: role, poolSize: 8 });
const bus = await natsBus({ servers: [natsUrl], publishMs: 2_000 });
const common = {
  bus,
  clock: systemClock,
  log: createLog({ service: role, level: "silent" }),
  metrics: createMetrics({ version: "test", workloads: [] }),
};

async function write(): Promise<never> {
  const db = openSchema(database, "agents");
  for (let aggregate = newId(), version = 1n; ; version++) {
    try {
      const id = await transaction(db, (trx) =>
        recordEvent(trx, {
          call: { requestId: "request", principal: undefined },
          clock: systemClock,
          tenant: "t1",
          aggregate: { type: "agent", id: aggregate, version },
          payload: {
            schema: AgentDeletedSchema,
            message: create(AgentDeletedSchema, { agentId: aggregate }),
          },
        }),
      );
      process.stdout.write(`${id}\n`);
    } catch {
      // Whether it was kept nobody knows, so the version may be taken: begin another aggregate.
      aggregate = newId();
      version = 0n;
    }
  }
}

if (role === "writer") await Promise.all(Array.from({ length: 4 }, write));
if (role === "relay")
  createRelay({ ...common, db: openSchema(database, "agents"), workload: "agents", leaseMs: 2_000 }).start();
if (role === "consumer") {
  await consume<{ effects: { event_id: string; aggregate_id: string; version: bigint } }>({
    ...common,
    db: openSchema(database, "reader"),
    name: "reader",
    subject: "events.agents.>",
    ackWaitMs: 3_000,
    deadLetters: bus.deadLetters,
    handler: async (trx, { id, aggregateId, version }) => {
      await trx.insertInto("effects").values({ event_id: id, aggregate_id: aggregateId, version }).execute();
    },
  });
}
