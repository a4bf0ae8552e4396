import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fromMessage } from "../../services/kit/events/cloud-event.js";
import { natsBus } from "../../services/kit/stores/bus/nats.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { effectSchema, until } from "../kit/events/events.js";
import { compiledPath } from "../support/compile.js";
import { natsInstalled, startNats } from "./servers/nats.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";
import type { Server } from "./servers/server.js";

const wanted = 2_000;

describe.skipIf(!natsInstalled || !postgresInstalled)("events over kill -9", () => {
  let postgres: PostgresServer;
  let nats: Server;
  const children = new Set<ChildProcess>();
  beforeAll(async () => {
    [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
  });
  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
  });
  afterAll(async () => {
    await Promise.all([postgres?.remove(), nats?.stop()]);
  });

  it("loses none that was acknowledged, applies each once, and keeps the order of aggregates", async () => {
    const name = await postgres.createDatabase();
    const natsUrl = `nats://127.0.0.1:${nats.port}`;
    const database = await openPostgres({
      address: postgres.address(name),
      applicationName: "test",
      poolSize: 4,
    });
    const agents = await effectSchema(database, "agents");
    const reader = await effectSchema(database, "reader");
    const acknowledged: string[] = [];

    const start = (role: string) => {
      const child = spawn(
        process.execPath,
        [compiledPath("test/support/event-process.ts"), role, postgres.url(name), natsUrl],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      children.add(child);
      createInterface(child.stdout).on("line", (line) => acknowledged.push(line));
      return child;
    };
    const kill = async (child: ChildProcess) => {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      children.delete(child);
    };

    let [writer, relay, consumer] = [start("writer"), start("relay"), start("consumer")];
    const standby = start("relay");
    for (let round = 1; round <= 5; round++) {
      await until(() => acknowledged.length >= (wanted * round) / 6, 60_000);
      await kill(relay);
      relay = start("relay");
      if (round % 2 === 0) await kill(consumer).then(() => (consumer = start("consumer")));
      if (round % 2 === 1) await nats.kill().then(nats.restart);
      if (round === 3) await kill(writer).then(() => (writer = start("writer")));
      if (round === 4) await kill(standby);
    }
    await until(() => acknowledged.length >= wanted, 60_000);
    await kill(writer);
    // The server commits what a killed process had sent, a moment after.
    const writing = sql<{
      count: number;
    }>`select count(*)::int from pg_stat_activity where application_name = 'writer'`;
    await until(async () => (await writing.execute(agents)).rows[0]?.count === 0, 60_000);

    const stored = (await agents.selectFrom("outbox").select("id").execute()).map(({ id }) => id);
    expect(acknowledged.filter((id) => !new Set(stored).has(id))).toEqual([]);
    const effects = async () =>
      (await reader.selectFrom("effects").select("event_id").execute()).map((row) => row.event_id);
    await until(async () => (await effects()).length >= stored.length, 60_000);
    await delay(4_000);
    expect((await effects()).sort()).toEqual(stored.sort());

    const versions = await firstVersions(natsUrl, stored.length);
    for (const seen of versions.values()) expect(seen).toEqual([...seen].sort((a, b) => a - b));
    await Promise.all([kill(relay), kill(consumer)]);
    await database.end();
  }, 240_000);
});

/** The versions of each aggregate in the order in which the stream first has them. */
async function firstVersions(natsUrl: string, count: number): Promise<Map<string, number[]>> {
  const bus = await natsBus({ servers: [natsUrl] });
  const auditor = await bus.subscribe({
    durable: "auditor",
    subject: "events.agents.>",
    ackWaitMs: 30_000,
    maxInFlight: 500,
  });
  const seen = new Set<string>();
  const versions = new Map<string, number[]>();
  for await (const delivery of auditor) {
    delivery.ack();
    const event = fromMessage(delivery);
    if (event && !seen.has(event.id)) {
      seen.add(event.id);
      versions.set(event.aggregateId, [...(versions.get(event.aggregateId) ?? []), Number(event.version)]);
    }
    if (seen.size === count) break;
  }
  await bus.close();
  return versions;
}
