import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PostgresPoolClient } from "kysely";
import { type Clock, systemClock } from "../../clock.js";
import { packageRoot } from "../../package-root.js";
import { makePartitions } from "./partitions.js";
import type { Database, Migration } from "./port.js";
import { grantServiceRole } from "./roles.js";
import { bookkeepingTables, lockedSchema } from "./schema-lock.js";

/** What is wrong with a schema's migrations; the message names the file. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

export interface MigrateOptions {
  /** The service's schema, made on demand; lower-case letters and underscores. */
  readonly schema: string;
  /** The service's own migrations, in order; the kit adds its tables before them. */
  readonly migrations: readonly Migration[];
  readonly clock?: Clock;
}

/**
 * Brings a schema up to date and returns the names of the files that it ran. Each
 * runs in a transaction of its own that is recorded with it, under an advisory
 * lock, so that replicas may start at once. Inside, `search_path` is the schema:
 * files name their tables without it and hold no BEGIN or COMMIT. Then it makes
 * the partitions of this month and the next ones, and the role of the service.
 *
 * Replicas of the old and the new release run side by side, so by convention
 * files expand first and contract in a later release: add a column, write both,
 * backfill, read the new one, and drop the old one when nobody reads it.
 *
 * Throws `MigrationError` when a file that was applied has changed (by SHA-256
 * of its text with LF line ends), is gone, or a new one sorts before it.
 */
export async function migrate(
  database: Database,
  { schema, migrations, clock = systemClock }: MigrateOptions,
): Promise<string[]> {
  if (!/^[a-z_]{1,40}$/.test(schema)) throw new MigrationError(`${schema} is no name for a schema`);
  const kit = (await readFolder(join("kit", "stores", "database"))).map((one) => ({
    ...one,
    name: `kit/${one.name}`,
  }));
  const groups = [kit, migrations];
  const client = await database.connect();
  const locked = <R>(work: () => Promise<R>) => lockedSchema(client, schema, work);
  try {
    await locked(() => prepare(client, schema));
    const applied: string[] = [];
    for (const migration of groups.flat()) {
      const ran = await locked(() => applyOnce(client, schema, migration, groups));
      if (ran) applied.push(migration.name);
    }
    await locked(() => makePartitions(client, schema, clock.now()));
    await locked(() => grantServiceRole(client, schema, database.login));
    return applied;
  } finally {
    client.release();
  }
}

/** The files of `services/<name>/migrations`, in order. */
export function readMigrations(name: string): Promise<Migration[]> {
  return readFolder(name);
}

async function readFolder(path: string): Promise<Migration[]> {
  const folder = join(packageRoot(), "services", path, "migrations");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  const odd = names.find((name) => !/^\d{4}_[a-z0-9_]+\.sql$/.test(name));
  if (odd)
    throw new MigrationError(
      `${odd} in services/${path}/migrations: expected a name such as 0001_agents.sql`,
    );
  const twice = names.find((name, i) => names[i - 1]?.slice(0, 4) === name.slice(0, 4));
  if (twice)
    throw new MigrationError(`${twice} in services/${path}/migrations has the number of another file`);
  return Promise.all(names.map(async (name) => ({ name, sql: await readFile(join(folder, name), "utf8") })));
}

async function prepare(client: PostgresPoolClient, schema: string): Promise<void> {
  const { rows } = await client.query(`select from pg_namespace where nspname = $1`, [schema]);
  // Else only those who may create schemas could start on one that is there.
  if (rows.length === 0) await client.query(`create schema "${schema}"`, []);
  await client.query(bookkeepingTables(schema), []);
}

async function applyOnce(
  client: PostgresPoolClient,
  schema: string,
  migration: Migration,
  groups: readonly (readonly Migration[])[],
): Promise<boolean> {
  const { rows } = await client.query<Applied>(
    `select name, checksum from "${schema}".migrations order by name`,
    [],
  );
  refuseDrift(schema, rows, groups);
  if (rows.some(({ name }) => name === migration.name)) return false;
  await client.query(`set local search_path to "${schema}", public`, []);
  await client.query(migration.sql, []).catch((error) => {
    throw new MigrationError(`${migration.name} of ${schema} failed: ${error.message}`, { cause: error });
  });
  await client.query(`insert into "${schema}".migrations (name, checksum) values ($1, $2)`, [
    migration.name,
    checksum(migration.sql),
  ]);
  return true;
}

interface Applied {
  readonly name: string;
  readonly checksum: string;
}

function refuseDrift(
  schema: string,
  applied: readonly Applied[],
  groups: readonly (readonly Migration[])[],
): void {
  const files = new Map(groups.flat().map((migration) => [migration.name, migration]));
  for (const { name, checksum: expected } of applied) {
    const file = files.get(name);
    if (!file) throw new MigrationError(`${name} was applied to ${schema} and its file is gone`);
    if (checksum(file.sql) !== expected) {
      throw new MigrationError(
        `${name} was applied to ${schema} and its file has changed since; add a new one instead`,
      );
    }
  }
  const done = new Set(applied.map(({ name }) => name));
  for (const group of groups) refuseLateComer(schema, group, done);
}

function refuseLateComer(schema: string, group: readonly Migration[], done: ReadonlySet<string>): void {
  const firstNew = group.findIndex(({ name }) => !done.has(name));
  const after = firstNew < 0 ? undefined : group.slice(firstNew).find(({ name }) => done.has(name));
  if (after) {
    throw new MigrationError(
      `${group[firstNew]?.name} comes before ${after.name}, which was applied to ${schema}`,
    );
  }
}

function checksum(sql: string): string {
  return createHash("sha256").update(sql.replaceAll("\r\n", "\n")).digest("hex");
}
