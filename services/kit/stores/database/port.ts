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
 *
 * A database that is away, hung or out of connections rejects with
 * DEPENDENCY_UNAVAILABLE, and with OVERLOADED when too many wait for a
 * connection. When it goes away during COMMIT, nobody knows whether the
 * transaction holds.
 */
export interface Database extends PostgresPool {
  /** Connections of the owner of all schemas, for migrations and partitions alone. */
  connect: PostgresPool["connect"];
  /**
   * Connections that may read and write the schema's tables and nothing else, in
   * the role `<schema>_service` that migrations make. The embedded database is
   * part of the process and narrows nothing.
   */
  forSchema(schema: string): PostgresPool;
  /** Who services log in as, when that is not the owner; migrations let it take the services' roles. */
  readonly login?: string | undefined;
  /** Answers when the database does; rejects otherwise, and when `signal` aborts first. */
  ping(signal?: AbortSignal): Promise<void>;
  /**
   * A read-only copy, absent unless configured. It lags behind, by seconds at
   * times, so it is for reads that somebody has decided may be old: reports and
   * exports, never a read that a write or an answer to its writer depends on.
   */
  readonly replica?: Database;
}

/**
 * Ends a statement whose answer nobody needs. Within a transaction it may wait
 * for the next statement, such as COMMIT, and save a round trip; that one then
 * rejects with its failure.
 */
export const sentWithNext = "/* sent with the next */";

/** A step of a schema's making. */
export interface Migration {
  /** File name, such as `0001_agents.sql`; the number orders. */
  readonly name: string;
  readonly sql: string;
}
