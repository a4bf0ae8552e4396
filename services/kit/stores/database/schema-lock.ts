import type { PostgresPoolClient } from "kysely";

/** How long a change of a table may wait for its readers, who meanwhile wait behind it, in milliseconds. */
const tableLockMs = 5000;

/**
 * Runs `work` in a transaction while nobody else changes the schema, on whatever
 * replica. The lock belongs to the transaction, so that it works behind a pooler
 * in transaction mode and ends with its holder.
 */
export async function lockedSchema<R>(
  client: PostgresPoolClient,
  schema: string,
  work: () => Promise<R>,
): Promise<R> {
  await client.query("begin", []);
  try {
    await lockSchema(client, schema);
    const result = await work();
    await client.query("commit", []);
    return result;
  } catch (error) {
    // The reason is what failed first, such as a lost connection.
    await client.query("rollback", []).catch(() => undefined);
    throw error;
  }
}

/** Takes the lock of a schema for the rest of the transaction, in which waits for tables are bounded then. */
export async function lockSchema(client: PostgresPoolClient, schema: string): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`schema ${schema}`]);
  await client.query(`set local lock_timeout = ${tableLockMs}`, []);
}

/**
 * What the kit notes of each schema. A migration that makes a partitioned table
 * adds it to `partitioned_tables`, as partitions.ts says.
 */
export function bookkeepingTables(schema: string): string {
  return `
    create table if not exists "${schema}".migrations (
      name text primary key,
      checksum text not null,
      applied_at timestamptz not null default now()
    );
    create table if not exists "${schema}".partitioned_tables (
      name text primary key,
      data_class text not null check (data_class in ('public', 'internal', 'confidential', 'restricted')),
      once text[] not null default '{}',
      unfinished text
    );
    create table if not exists "${schema}".jobs (
      name text primary key,
      run_time timestamptz not null
    )`;
}
