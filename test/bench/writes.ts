import { create } from "@bufbuild/protobuf";
import pg from "pg";
import { AgentDeletedSchema } from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { systemClock } from "../../services/kit/clock.js";
import { newId } from "../../services/kit/ids.js";
import { recordEvent } from "../../services/kit/outbox.js";
import { openSchema, transaction, withNext } from "../../services/kit/stores/database/kysely.js";
import { migrate } from "../../services/kit/stores/database/migrate.js";
import type { Database } from "../../services/kit/stores/database/port.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { startPostgres } from "../real/servers/postgres.js";
import { median, type Row } from "./rows.js";

const rounds = 60;
const writesPerRound = 20;
const goal = 1.5;

interface ThingTables {
  things: { id: string; name: string; note: string; create_time: Date };
}

const table = `create table things (
  id uuid primary key, name text not null, note text not null, create_time timestamptz not null
)`;

/**
 * A row with its event in one transaction, as services write them, beside the
 * bare client that inserts the row alone: on one server that flushes each commit
 * to the disk, in turns, by one writer and by eight.
 */
export async function writing(): Promise<Row[]> {
  const server = await startPostgres();
  const address = server.address(await server.createDatabase());
  const database = openPostgres({ address, applicationName: "bench", poolSize: 10 });
  await migrate(database, { schema: "things", migrations: [{ name: "0001_things.sql", sql: table }] });
  const { tls: _, ...config } = address;
  const bare = new pg.Pool({ ...config, max: 10 });
  const rows: Row[] = [];
  for (const writers of [1, 8]) rows.push(...(await compare(writers, rowAndEvent(database), rowAlone(bare))));
  await bare.end();
  await database.end();
  await server.remove();
  return rows;
}

type Write = () => Promise<unknown>;

function rowAndEvent(database: Database): Write {
  const db = openSchema<ThingTables>(database, "things");
  return () =>
    transaction(db, async (trx) => {
      const row = newThing();
      await trx.insertInto("things").values(row).modifyEnd(withNext).execute();
      await recordEvent(trx, {
        call: { requestId: newId(), principal: undefined },
        clock: systemClock,
        tenant: "t1",
        aggregate: { type: "thing", id: row.id, version: 1n },
        payload: { schema: AgentDeletedSchema, message: create(AgentDeletedSchema, { agentId: row.id }) },
      });
    });
}

function rowAlone(pool: pg.Pool): Write {
  const text = "insert into things.things (id, name, note, create_time) values ($1, $2, $3, $4) returning id";
  return () => {
    const { id, name, note, create_time } = newThing();
    return pool.query({ name: "insert-thing", text, values: [id, name, note, create_time] });
  };
}

function newThing() {
  return { id: newId(), name: "a name", note: "n".repeat(500), create_time: new Date() };
}

async function compare(writers: number, ours: Write, theirs: Write): Promise<Row[]> {
  for (const warm of [ours, theirs]) await round(writers, warm);
  const times: [number, number][] = [];
  for (let count = 0; count < rounds; count++) {
    times.push([await round(writers, ours), await round(writers, theirs)]);
  }
  const ms = (at: 0 | 1) => Number(median(times.map((pair) => pair[at])).toFixed(3));
  const ratio = median(times.map(([one, other]) => one / other));
  const by = writers === 1 ? "one writer" : `${writers} writers at once`;
  return [
    { measure: `insert of a row alone, bare client, ${by}`, value: ms(1), unit: "ms" },
    {
      measure: `write of a row and its event, ${by}`,
      value: ms(0),
      unit: "ms",
      ratio: Number(ratio.toFixed(2)),
      to: "the time of the bare insert",
      goal: `≤ ${goal}`,
      met: ratio <= goal,
    },
  ];
}

/** Milliseconds for one write, with so many under way at once. */
async function round(writers: number, write: Write): Promise<number> {
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async () => {
      for (let count = 0; count < writesPerRound; count++) await write();
    }),
  );
  return (performance.now() - begun) / writesPerRound;
}
