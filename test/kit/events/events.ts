import { create } from "@bufbuild/protobuf";
import type { Kysely } from "kysely";
import { AgentDeletedSchema } from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { systemClock } from "../../../services/kit/clock.js";
import { createRelay, type Relay, type RelayOptions } from "../../../services/kit/events/relay.js";
import { newId } from "../../../services/kit/ids.js";
import { createLog } from "../../../services/kit/log.js";
import { createMetrics } from "../../../services/kit/metrics.js";
import { type OutboxTables, recordEvent } from "../../../services/kit/outbox.js";
import { openSchema, transaction } from "../../../services/kit/stores/database/kysely.js";
import { migrate } from "../../../services/kit/stores/database/migrate.js";
import type { Database } from "../../../services/kit/stores/database/port.js";

/** Rows that handlers write: one per event and effect. */
export interface EffectTables {
  effects: { event_id: string; aggregate_id: string; version: bigint };
}

/** A schema with a table for effects that takes an event as often as it comes. */
export async function effectSchema(
  database: Database,
  schema: string,
): Promise<Kysely<EffectTables & OutboxTables>> {
  const sql =
    "create table effects (event_id uuid not null, aggregate_id text not null, version bigint not null)";
  await migrate(database, { schema, migrations: [{ name: "0001_effects.sql", sql }] });
  return openSchema<EffectTables>(database, schema);
}

/** Records one event; returns its id. */
export function record(db: Kysely<OutboxTables>, id = newId(), version = 1n, tenant = "t1"): Promise<string> {
  return transaction(db, (trx) =>
    recordEvent(trx, {
      call: { requestId: "request", principal: undefined },
      clock: systemClock,
      tenant,
      aggregate: { type: "agent", id, version },
      payload: { schema: AgentDeletedSchema, message: create(AgentDeletedSchema, { agentId: id }) },
    }),
  );
}

/** Makes a relay and starts it. */
export function startRelay<Tables extends OutboxTables>(options: RelayOptions<Tables>): Relay {
  const relay = createRelay(options);
  relay.start();
  return relay;
}

/** What relays and consumers report to. */
export function reporting() {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return {
    lines,
    log: createLog({ service: "test", level: "info", destination }),
    metrics: createMetrics({ version: "test", workloads: ["agents"] }),
    clock: systemClock,
  };
}

/** Waits until the condition holds; fails after `withinMs`. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error("it did not come about in time");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
