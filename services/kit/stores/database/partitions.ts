import type { PostgresPoolClient } from "kysely";
import { lowestIdAt } from "../../ids.js";

/**
 * Tables of what only grows are partitioned by month, so that a month can be
 * dropped at once. A migration makes one with
 *
 *     create table outbox (id uuid primary key, …) partition by range (id);
 *     insert into partitioned_tables (name, data_class, once, unfinished)
 *     values ('outbox', 'confidential', '{aggregate_id,version}', 'sent_time is null');
 *
 * and this file does the rest. The key is a UUIDv7, whose first 48 bits are
 * milliseconds since the Unix epoch (RFC 9562, section 5.7), so that the primary
 * key holds over all partitions. `once` names columns that are unique within
 * each month, for which the key is no part. A month that has rows for which
 * `unfinished` holds, an SQL condition, is never dropped.
 */
export interface PartitionedTable {
  readonly name: string;
  readonly data_class: DataClassName;
  readonly once: readonly string[];
  readonly unfinished: string | null;
}

/** Classes of the contract's `DataClass`, in lower case. */
export type DataClassName = "public" | "internal" | "confidential" | "restricted";

/** For how many whole months what is of a class is kept; what is of a class without a number, for ever. */
export type Retention = { readonly [K in DataClassName]?: number | undefined };

/** Months made ahead, so that three may pass without maintenance. */
const monthsAhead = 3;

/** Makes what lacks of the partitions for this month and the next three. Returns the names of the new ones. */
export async function makePartitions(
  client: PostgresPoolClient,
  schema: string,
  now: number,
): Promise<string[]> {
  const made: string[] = [];
  for (const table of await partitionedTables(client, schema)) {
    const existing = await partitionsOf(client, schema, table.name);
    const rest = `${table.name}_default`;
    if (!existing.has(rest)) {
      await makeDefault(client, schema, table);
      made.push(rest);
    }
    for (const month of monthsFrom(now, monthsAhead)) {
      const name = partitionName(table.name, month);
      if (existing.has(name)) continue;
      await makeMonth(client, schema, table, month);
      made.push(name);
    }
  }
  return made;
}

/** Drops the months that are older than their class is kept. Returns the names of the dropped ones. */
export async function dropExpired(
  client: PostgresPoolClient,
  { schema, retention, now }: { schema: string; retention: Retention; now: number },
): Promise<string[]> {
  const dropped: string[] = [];
  for (const table of await partitionedTables(client, schema)) {
    const months = retention[table.data_class];
    if (months === undefined) continue;
    const oldestKept = partitionName(table.name, monthOf(now, -months));
    for (const name of await partitionsOf(client, schema, table.name)) {
      // Names of one table differ in year and month alone, so their order is that of time.
      if (!isMonth(table.name, name) || name >= oldestKept) continue;
      if (await hasUnfinished(client, schema, name, table.unfinished)) continue;
      await client.query(`drop table "${schema}"."${name}"`, []);
      dropped.push(name);
    }
  }
  return dropped;
}

async function partitionedTables(client: PostgresPoolClient, schema: string): Promise<PartitionedTable[]> {
  const sql = `select name, data_class, once, unfinished from "${schema}".partitioned_tables order by name`;
  return (await client.query<PartitionedTable>(sql, [])).rows;
}

async function partitionsOf(client: PostgresPoolClient, schema: string, table: string): Promise<Set<string>> {
  const { rows } = await client.query<{ relname: string }>(
    `select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = to_regclass($1) order by c.relname`,
    [`"${schema}"."${table}"`],
  );
  return new Set(rows.map(({ relname }) => relname));
}

/** For ids of no month that is there: nothing is refused for want of a partition. */
async function makeDefault(client: PostgresPoolClient, schema: string, table: PartitionedTable) {
  const name = `${table.name}_default`;
  await client.query(
    `create table "${schema}"."${name}" partition of "${schema}"."${table.name}" default;
     ${uniqueOnce(schema, name, table.once)}`,
    [],
  );
}

/**
 * Attaching, unlike `create table … partition of`, lets others read and write the
 * table meanwhile. What strayed into the default partition moves first.
 */
async function makeMonth(client: PostgresPoolClient, schema: string, table: PartitionedTable, month: Date) {
  const name = partitionName(table.name, month);
  const from = lowestIdAt(month.getTime());
  const to = lowestIdAt(monthOf(month.getTime(), 1).getTime());
  const parent = `"${schema}"."${table.name}"`;
  const stray = `"${schema}"."${table.name}_default"`;
  await client.query(
    `create table "${schema}"."${name}" (like ${parent} including all);
     ${uniqueOnce(schema, name, table.once)}
     lock table ${stray} in access exclusive mode;
     with strayed as (delete from ${stray} where id >= '${from}' and id < '${to}' returning *)
       insert into "${schema}"."${name}" select * from strayed;
     alter table ${parent} attach partition "${schema}"."${name}" for values from ('${from}') to ('${to}')`,
    [],
  );
}

function uniqueOnce(schema: string, partition: string, columns: readonly string[]): string {
  if (columns.length === 0) return "";
  const names = columns.map((column) => `"${column}"`).join(", ");
  return `alter table "${schema}"."${partition}" add constraint "${partition}_once" unique (${names});`;
}

async function hasUnfinished(
  client: PostgresPoolClient,
  schema: string,
  partition: string,
  condition: string | null,
): Promise<boolean> {
  if (condition === null) return false;
  const sql = `select from "${schema}"."${partition}" where ${condition} limit 1`;
  return (await client.query(sql, [])).rows.length > 0;
}

function monthsFrom(now: number, ahead: number): Date[] {
  return Array.from({ length: ahead + 1 }, (_, n) => monthOf(now, n));
}

/** The start of a month, in UTC, so many months from the one of `now`. */
function monthOf(now: number, offset: number): Date {
  const date = new Date(now);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset));
}

function partitionName(table: string, month: Date): string {
  return `${table}_${month.toISOString().slice(0, 7).replace("-", "_")}`;
}

function isMonth(table: string, partition: string): boolean {
  return /^_\d{4}_\d{2}$/.test(partition.slice(table.length));
}
