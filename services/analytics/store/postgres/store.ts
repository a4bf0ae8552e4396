import type { PostgresPool } from "kysely";
import { type Clock, systemClock } from "../../../kit/clock.js";
import { migrate, readMigrations } from "../../../kit/stores/database/migrate.js";
import type { Database } from "../../../kit/stores/database/port.js";
import { defaultRetry, retrying } from "../../../kit/stores/database/retry.js";
import type { Batch, ColumnStore, QueryPlan } from "../port.js";
import { compileCount } from "../sql/decisions.js";
import { compileQuery } from "../sql/query.js";
import { appendBatch } from "./append.js";
import { coverOf } from "./cover.js";
import { type Days, daysOf } from "./days.js";
import { readDecisions } from "./decisions.js";
import { dialect } from "./dialect.js";
import { reading } from "./reading.js";
import { compileRollupQuery } from "./rollup-query.js";
import { schema, source } from "./schema.js";

export interface PostgresStoreOptions {
  /** Not ended with the store. */
  readonly database: Database;
  readonly clock?: Clock;
  /**
   * How long one page of `read`, and `count`, may take, in milliseconds. Longer than the database's own
   * limit for a statement nothing takes, queries neither.
   */
  readonly readMs?: number;
  /** False to answer every query from the decisions themselves. */
  readonly rollups?: boolean;
}

/**
 * Keeps decisions in PostgreSQL, in a schema of its own that it migrates: a
 * partition for each day, and rollups by minute, hour and day that are kept in
 * the transaction of the decisions. Any number of replicas may append and ask at
 * once. A query takes the coarsest rollups that answer it, as cover.ts says.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<ColumnStore> {
  const { database, clock = systemClock, readMs = 30_000, rollups = true } = options;
  await migrate(database, { schema, migrations: await readMigrations("analytics/store/postgres"), clock });
  const days = daysOf(database, clock);
  await days.make([]);
  const pool = database.forSchema(schema);
  const read = reading(pool);

  const statementOf = (plan: QueryPlan, maxGroups: number) => {
    const compiled = compileQuery({ plan, maxGroups, dialect, source });
    const pieces = rollups ? coverOf(plan) : undefined;
    return pieces ? { ...compiled, ...compileRollupQuery({ plan, pieces, maxGroups }) } : compiled;
  };
  return {
    append: (batch) => append(pool, days, batch),
    async query(plan, bounds, signal) {
      const statement = statementOf(plan, bounds.groups);
      const rows = await read(statement, { timeMs: bounds.timeMs, signal });
      return statement.read(rows.map(Object.values));
    },
    async count(selection, signal) {
      const rows = await read(compileCount({ selection, dialect, source }), { timeMs: readMs, signal });
      return Number(rows[0]?.count);
    },
    read: (selection, signal) => readDecisions(read, selection, { timeMs: readMs, signal }),
    forget: (before) => days.drop(before.getTime()),
    ping: (signal) => database.ping(signal),
    close: async () => undefined,
  };
}

/** Appends in one transaction, and once more where the partition of a day has been dropped meanwhile. */
async function append(pool: PostgresPool, days: Days, batch: Batch): Promise<void> {
  const once = async () => {
    await days.make(batch.decisions.map(({ time }) => time.getTime()));
    await retrying(() => appendOnce(pool, batch), defaultRetry);
  };
  await once().catch(async (error: unknown) => {
    if (!lacksPartition(error)) throw error;
    days.doubt();
    await once();
  });
}

async function appendOnce(pool: PostgresPool, batch: Batch): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin", []);
    await appendBatch(client, batch);
    await client.query("commit", []);
  } finally {
    // Rolls back what failed.
    client.release();
  }
}

/** SQLSTATE 23514 is also that of a failed check, of which these tables have none. */
function lacksPartition(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "23514";
}
