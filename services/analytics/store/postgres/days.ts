import type { PostgresPoolClient } from "kysely";
import type { Clock } from "../../../kit/clock.js";
import type { Database } from "../../../kit/stores/database/port.js";
import { lockedSchema } from "../../../kit/stores/database/schema-lock.js";
import { dropLock } from "./locks.js";
import { schema, tableName } from "./schema.js";

const dayMs = 86_400_000;

/** Tables that have a partition for each day, in UTC. */
const partitioned = ["decisions", "rollup_minute"];

/** The partitions of the store. */
export interface Days {
  /** Makes the partitions of these moments' days, and of today and tomorrow, where they are not there. */
  make(times: Iterable<number>): Promise<void>;
  /** Forgets which partitions are known to be there: another replica may have dropped one. */
  doubt(): void;
  /** Drops the days that ended at `before` or earlier, with all that was kept of them. */
  drop(before: number): Promise<void>;
}

/** Makes partitions ahead and on demand, also for what comes late, in the name of the schema's owner. */
export function daysOf(database: Database, clock: Clock): Days {
  const known = new Set<number>();
  const locked = async (work: (client: PostgresPoolClient) => Promise<void>) => {
    const client = await database.connect();
    try {
      await lockedSchema(client, schema, () => work(client));
    } finally {
      client.release();
    }
  };
  return {
    async make(times) {
      const wanted = new Set([clock.now(), clock.now() + dayMs, ...times].map(startOfDay));
      const missing = [...wanted].filter((day) => !known.has(day)).sort((a, b) => a - b);
      if (missing.length === 0) return;
      await locked(async (client) => {
        for (const day of missing) {
          for (const table of partitioned) await makeDay(client, table, day);
        }
      });
      for (const day of missing) known.add(day);
    },
    doubt: () => known.clear(),
    async drop(before) {
      known.clear();
      await locked((client) => dropDays(client, startOfDay(before)));
    },
  };
}

/** Attaching, unlike `create table … partition of`, lets others read and write the table meanwhile. */
async function makeDay(client: PostgresPoolClient, table: string, day: number): Promise<void> {
  const partition = tableName(`${table}${suffixOf(day)}`);
  const { rows } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    partition,
  ]);
  if (rows[0]?.there) return;
  const bounds = `from ('${isoTime(day)}') to ('${isoTime(day + dayMs)}')`;
  await client.query(
    `create table ${partition} (like ${tableName(table)} including all);
     alter table ${tableName(table)} attach partition ${partition} for values ${bounds}`,
    [],
  );
}

async function dropDays(client: PostgresPoolClient, before: number): Promise<void> {
  await client.query(`select ${dropLock}`, []);
  for (const table of partitioned) {
    for (const name of await partitionsBefore(client, table, before)) {
      await client.query(`drop table ${tableName(name)}`, []);
    }
  }
  for (const table of ["rollup_hour", "rollup_day", "labels"]) {
    await client.query(`delete from ${tableName(table)} where time < $1`, [new Date(before)]);
  }
  // Whatever was rolled up has a row for its day.
  await client.query(
    `delete from ${tableName("series")} as s
     where not exists (select from ${tableName("rollup_day")} as r where r.series = s.id)`,
    [],
  );
}

async function partitionsBefore(
  client: PostgresPoolClient,
  table: string,
  before: number,
): Promise<string[]> {
  const { rows } = await client.query<{ relname: string }>(
    `select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = to_regclass($1) order by c.relname`,
    [tableName(table)],
  );
  // Names differ in the date alone, so their order is that of time.
  return rows.map(({ relname }) => relname).filter((name) => name < `${table}${suffixOf(before)}`);
}

function startOfDay(ms: number): number {
  return Math.floor(ms / dayMs) * dayMs;
}

function suffixOf(day: number): string {
  return `_${isoTime(day).slice(0, 10).replaceAll("-", "_")}`;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
