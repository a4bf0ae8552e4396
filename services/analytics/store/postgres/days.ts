import type { PostgresPoolClient } from "kysely";
import type { Clock } from "../../../kit/clock.js";
import type { Database } from "../../../kit/stores/database/port.js";
import { lockedSchema } from "../../../kit/stores/database/schema-lock.js";
import { dropLock } from "./locks.js";
import { rollups } from "./rollup.js";
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

/**
 * Makes partitions ahead and on demand, also for what comes late, in the name of
 * the schema's owner. Each has a transaction of its own, since a transaction can
 * hold the locks of some hundred tables and not more.
 */
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
      for (const day of missing) {
        await locked((client) => makeDay(client, day));
        known.add(day);
      }
    },
    doubt: () => known.clear(),
    async drop(before) {
      known.clear();
      for (const name of await partitionsBefore(database, startOfDay(before))) {
        await locked(async (client) => {
          await client.query(`select ${dropLock}`, []);
          await client.query(`drop table if exists ${tableName(name)}`, []);
        });
      }
      await locked((client) => forgetRest(client, startOfDay(before)));
    },
  };
}

async function makeDay(client: PostgresPoolClient, day: number): Promise<void> {
  for (const table of partitioned) {
    const partition = tableName(`${table}${suffixOf(day)}`);
    if (await isThere(client, partition)) continue;
    // Attaching, unlike `create table … partition of`, lets others read and write the table meanwhile.
    await client.query(
      `create table ${partition} (like ${tableName(table)} including all);
       alter table ${tableName(table)} attach partition ${partition}
         for values from ('${isoTime(day)}') to ('${isoTime(day + dayMs)}')`,
      [],
    );
  }
}

async function isThere(client: PostgresPoolClient, table: string): Promise<boolean> {
  const { rows } = await client.query("select where to_regclass($1) is not null", [table]);
  return rows.length > 0;
}

/** Forgets what is in no partition, and the series that nothing refers to any more. */
async function forgetRest(client: PostgresPoolClient, before: number): Promise<void> {
  await client.query(`select ${dropLock}`, []);
  for (const table of [...rollups.map(({ table }) => table), "labels"]) {
    await client.query(`delete from ${tableName(table)} where time < $1`, [new Date(before)]);
  }
  // Whatever is summed up in a shorter time is in its day, too.
  const used = (table: string) => `exists (select from ${tableName(table)} as r where r.series = s.id)`;
  await client.query(
    `delete from ${tableName("series")} as s where not ${used("rollup_day")} and not ${used("rollup_day_by_agent")}`,
    [],
  );
}

async function partitionsBefore(database: Database, before: number): Promise<string[]> {
  const client = await database.connect();
  try {
    const { rows } = await client.query<{ relname: string }>(
      `select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = any($1::regclass[]) order by c.relname`,
      [partitioned.map(tableName)],
    );
    // Names of one table differ in the date alone, so their order is that of time.
    const names = rows.map(({ relname }) => relname);
    return partitioned.flatMap((table) =>
      names.filter((name) => name.startsWith(table) && name < `${table}${suffixOf(before)}`),
    );
  } finally {
    client.release();
  }
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
