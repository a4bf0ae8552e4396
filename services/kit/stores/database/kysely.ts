import { Kysely, PostgresDialect, type Transaction } from "kysely";
import type { OutboxTables } from "../../outbox.js";
import { inSpan } from "../../telemetry.js";
import type { Database } from "./port.js";

/**
 * Typed queries on one service's schema. `Tables` maps table names to their
 * rows. Close the database itself, never this: `destroy` would end the pool
 * that all schemas of the process share.
 */
export function openSchema<Tables>(database: Database, schema: string): Kysely<Tables & OutboxTables> {
  const dialect = new PostgresDialect({ pool: database });
  return new Kysely<Tables & OutboxTables>({ dialect }).withSchema(schema);
}

/**
 * Runs `work` in one transaction at READ COMMITTED: committed when it resolves,
 * rolled back when it rejects, which leaves neither row nor event.
 *
 * Inside, await SQL on `trx` and nothing else. The embedded database has one
 * connection, so a call to a peer would stop everybody, and a query on `db`
 * would wait for itself until its deadline.
 */
export function transaction<Tables, R>(
  db: Kysely<Tables>,
  work: (trx: Transaction<Tables>) => Promise<R>,
): Promise<R> {
  const attributes = { "db.system.name": "postgresql", "db.operation.name": "transaction" };
  return inSpan("database transaction", attributes, () =>
    db.transaction().setIsolationLevel("read committed").execute(work),
  );
}

/** Name of the unique or foreign key, check or exclusion that a failed statement broke; undefined for other errors. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("constraint" in error)) return undefined;
  const { code, constraint } = error;
  // Class 23 of the SQLSTATE codes: integrity constraint violation.
  return String(code).startsWith("23") && typeof constraint === "string" ? constraint : undefined;
}
