import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import {
  AgentCreatedSchema,
  AgentDeletedSchema,
  AgentUpdatedSchema,
} from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import type { Dependencies } from "./dependencies.js";
import { eventful } from "./reader.js";

/** An event as its service recorded it, with what it tells of an agent. */
export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly aggregate: string;
  readonly aggregateId: string;
  readonly version: number;
  /** Of the agent, after creations and updates. */
  readonly name: string;
  readonly description: string;
}

/** Everything that the services have stored. */
export interface Stored {
  readonly events: readonly StoredEvent[];
  readonly agents: readonly { readonly id: string; readonly version: number; readonly description: string }[];
  readonly decisions: readonly { readonly id: string; readonly request_id: string }[];
  readonly sessions: readonly string[];
}

/** Ids of the decisions that analytics counts, each as often as it does. */
export async function readCounted({ postgres, database }: Dependencies): Promise<string[]> {
  const sql = "select decision_id as id from analytics_store.decisions";
  return (await postgres.run<{ id: string }>(sql, database)).map(({ id }) => id);
}

interface OutboxRow {
  readonly id: string;
  readonly payload_type: string;
  readonly aggregate_type: string;
  readonly aggregate_id: string;
  readonly version: string;
  readonly payload: Uint8Array;
}

/** Reads it past the services. */
export async function readStored({ postgres, database }: Dependencies): Promise<Stored> {
  const run = <R>(sql: string) => postgres.run<R>(sql, database);
  const outboxes = await Promise.all(
    eventful.map((service) =>
      run<OutboxRow>(
        `select id, payload_type, aggregate_type, aggregate_id, version, payload from ${service}.outbox order by position`,
      ),
    ),
  );
  const agents = await run<{ id: string; version: string; description: string }>(
    "select id, version, description from agents.agents",
  );
  const sessions = await run<{ id: string }>("select id from auth.sessions");
  return {
    events: outboxes.flat().map(toEvent),
    agents: agents.map((row) => ({ ...row, version: Number(row.version) })),
    decisions: await run("select id, request_id from engine.decisions"),
    sessions: sessions.map(({ id }) => id),
  };
}

const payloads: readonly DescMessage[] = [AgentCreatedSchema, AgentUpdatedSchema, AgentDeletedSchema];

function toEvent(row: OutboxRow): StoredEvent {
  const schema = payloads.find(({ typeName }) => typeName === row.payload_type);
  const message =
    schema && (fromBinary(schema, row.payload) as { agent?: { name: string; description: string } });
  return {
    id: row.id,
    type: row.payload_type.split(".").at(-1) ?? "",
    aggregate: `${row.aggregate_type} ${row.aggregate_id}`,
    aggregateId: row.aggregate_id,
    version: Number(row.version),
    name: message?.agent?.name ?? "",
    description: message?.agent?.description ?? "",
  };
}
