import type { PostgresPool } from "kysely";

/**
 * A relational database as a pool of PostgreSQL connections, the shape that
 * Kysely's PostgreSQL dialect takes. One adapter per file beside this one.
 */
export interface Database extends PostgresPool {
  /** Answers when the database does; rejects otherwise. */
  ping(signal?: AbortSignal): Promise<void>;
}

/** A service's migrations: its schema, and plain SQL files in order. */
export interface Migration {
  /** File name, such as `0001_agents.sql`; the number orders. */
  readonly name: string;
  readonly sql: string;
}
