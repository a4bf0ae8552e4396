import type { PostgresPool } from "kysely";

/**
 * A relational database as a pool of PostgreSQL connections, the shape that
 * Kysely's PostgreSQL dialect takes. One adapter per file beside this one.
 *
 * Every adapter keeps to this: a query without parameters may hold several
 * statements; a client released inside an open transaction is rolled back;
 * COMMIT of a failed transaction rejects. `int8` is read as `bigint`, `numeric`
 * and `date` as text, `timestamptz` as `Date` (milliseconds), `jsonb` parsed,
 * `bytea` as `Uint8Array`. Write JSON as text: `JSON.stringify` it yourself.
 */
export interface Database extends PostgresPool {
  /** Answers when the database does; rejects otherwise, and when `signal` aborts first. */
  ping(signal?: AbortSignal): Promise<void>;
}

/** A step of a schema's making. */
export interface Migration {
  /** File name, such as `0001_agents.sql`; the number orders. */
  readonly name: string;
  readonly sql: string;
}
