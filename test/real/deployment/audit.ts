import { expect } from "vitest";
import { until } from "../servers/process-tree.js";
import type { Ledger, Write } from "./ledger.js";
import type { ReplicatedPlatform } from "./platform.js";
import type { Effect } from "./reader.js";
import { readCounted, readStored, type Stored, type StoredEvent } from "./stored.js";

/** Expects what is stored, and what the consumer has made of it, to agree with what clients were told. */
export async function expectWhole({ servers, reader, ledger }: ReplicatedPlatform): Promise<void> {
  const stored = await readStored(servers);
  expect(auditWrites(ledger, stored)).toEqual([]);
  await until(async () => (await reader.effects()).length >= stored.events.length, { ms: 60_000 });
  expect(auditEffects(await reader.effects(), stored)).toEqual([]);
  const decided = stored.decisions.map(({ id }) => id);
  await until(async () => (await readCounted(servers)).length >= decided.length, { ms: 60_000 });
  expect((await readCounted(servers)).sort()).toEqual(decided.sort());
}

/**
 * What is wrong when the clients' ledger is held against what is stored: an
 * acknowledged write that is not there, one that is there twice, one that is
 * there although it was refused, a row without its event or an event without
 * its row. Empty when nothing is.
 */
export function auditWrites({ writes }: Ledger, stored: Stored): string[] {
  return [
    ...writes.flatMap((write) => misapplied(write, timesOf(stored)(write))),
    ...surplus(
      writes,
      "decide",
      stored.decisions.map(({ id }) => id),
    ),
    ...surplus(writes, "sign-in", stored.sessions),
    ...repeated(stored.decisions.map(({ request_id }) => request_id)).map(
      (id) => `request ${id} was decided twice`,
    ),
    ...tornApart(stored),
  ];
}

/** What is wrong with the effects that a consumer made: one missing, one twice, or one before its predecessor. */
export function auditEffects(effects: readonly Effect[], { events }: Stored): string[] {
  const seen = new Set(effects.map(({ event_id }) => event_id));
  const known = new Set(events.map(({ id }) => id));
  const latest = new Map<string, bigint>();
  const disordered = effects.filter(({ aggregate, version }) => {
    const before = latest.get(aggregate) ?? 0n;
    latest.set(aggregate, BigInt(version));
    return BigInt(version) !== before + 1n;
  });
  return [
    ...events.filter(({ id }) => !seen.has(id)).map(({ id }) => `event ${id} had no effect`),
    ...repeated(effects.map(({ event_id }) => event_id)).map((id) => `event ${id} had two effects`),
    ...[...seen].filter((id) => !known.has(id)).map((id) => `event ${id} was never recorded`),
    ...disordered.map(({ aggregate, version }) => `${aggregate}: version ${version} is out of order`),
  ];
}

/** How often a write has been applied, by its events and rows. */
function timesOf({ events, decisions, sessions }: Stored): (write: Write) => number {
  const count = (holds: (event: StoredEvent) => boolean) => events.filter(holds).length;
  return (write) => {
    switch (write.kind) {
      case "create":
        return count(({ type, name }) => type === "AgentCreated" && name === write.name);
      case "update":
        return count(({ type, description }) => type === "AgentUpdated" && description === write.description);
      case "delete":
        return count(({ type, aggregateId }) => type === "AgentDeleted" && aggregateId === write.id);
      case "decide":
        return write.id === undefined ? 0 : decisions.filter(({ id }) => id === write.id).length;
      case "sign-in":
        return write.id === undefined ? 0 : sessions.filter((id) => id === write.id).length;
    }
  };
}

function misapplied(write: Write, times: number): string[] {
  const most = write.told === "refused" ? 0 : 1;
  const fewest = write.told === "acknowledged" ? 1 : 0;
  if (times >= fewest && times <= most) return [];
  return [`${write.told}, but applied ${times} times: ${JSON.stringify(write)}`];
}

/** Rows that no client can have caused: more than were acknowledged or left unknown. */
function surplus(writes: readonly Write[], kind: "decide" | "sign-in", ids: readonly string[]): string[] {
  const caused = writes.filter((write) => write.kind === kind && write.told !== "refused").length;
  return ids.length > caused ? [`${ids.length} rows of ${caused} writes: ${kind}`] : [];
}

/** Rows and events that do not belong together. */
function tornApart({ events, agents, decisions, sessions }: Stored): string[] {
  const histories = new Map<string, StoredEvent[]>();
  for (const event of events)
    histories.set(event.aggregate, [...(histories.get(event.aggregate) ?? []), event]);
  const gaps = [...histories].filter(([, history]) => history.some(({ version }, at) => version !== at + 1));
  const rows = new Map(agents.map((agent) => [agent.id, agent]));
  const expected = [...histories.values()]
    .map((history) => history.at(-1) as StoredEvent)
    .filter(({ aggregate, type }) => aggregate.startsWith("agent ") && type !== "AgentDeleted");
  const wrong = expected.filter(({ aggregateId, version, description }) => {
    const row = rows.get(aggregateId);
    return row?.version !== version || row.description !== description;
  });
  const eventless = [
    ...decisions.map(({ id }) => `decision ${id}`),
    ...sessions.map((id) => `session ${id}`),
    ...agents.map(({ id }) => `agent ${id}`),
  ].filter((aggregate) => !histories.has(aggregate));
  return [
    ...gaps.map(([aggregate]) => `${aggregate}: its versions have gaps`),
    ...wrong.map(({ aggregate }) => `${aggregate}: its row is not what its last event says`),
    ...(agents.length === expected.length
      ? []
      : [`${agents.length} agents, ${expected.length} by their events`]),
    ...eventless.map((aggregate) => `${aggregate} has no event`),
  ];
}

function repeated(ids: readonly string[]): string[] {
  return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
}
