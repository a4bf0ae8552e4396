import { SpanKind } from "@opentelemetry/api";
import { Kysely, PostgresDialect, sql, type Transaction } from "kysely";
import { errors } from "../../errors.js";
import type { OutboxTables } from "../../outbox.js";
import { inSpan } from "../../spans.js";
import { type Database, sentWithNext } from "./port.js";
import { defaultRetry, retrying, type TransactionRetry } from "./retry.js";

/**
 * Typed queries on one service's schema, in the role of the service. `Tables` maps table names to their
 * rows. Close the database itself, never this: `destroy` would end the pool
 * that all schemas of the process share.
 */
export function openSchema<Tables>(database: Database, schema: string): Kysely<Tables & OutboxTables> {
  const dialect = new PostgresDialect({ pool: database.forSchema(schema) });
  return new Kysely<Tables & OutboxTables>({ dialect }).withSchema(schema);
}

/**
 * Runs `work` in one transaction at READ COMMITTED: committed when it resolves,
 * rolled back when it rejects, which leaves neither row nor event.
 *
 * A transaction that the database ends in favour of another (deadlock,
 * serialization failure) is run again after a pause, five times at most, so
 * `work` has to be repeatable: no effect but by `trx`, nothing kept from a
 * former run. All runs together get 30 s, after which it rejects with
 * DEPENDENCY_UNAVAILABLE and rolls back.
 *
 * Inside, await SQL on `trx` and nothing else. The embedded database has one
 * connection, so a call to a peer would stop everybody, and a query on `db`
 * would wait for itself until its deadline.
 */
export function transaction<Tables, R>(
  db: Kysely<Tables>,
  work: (trx: Transaction<Tables>) => Promise<R>,
  retry: TransactionRetry = defaultRetry,
): Promise<R> {
  const attributes = { "db.system.name": "postgresql", "db.operation.name": "transaction" };
  const attempt = (remainingMs: number) =>
    db
      .transaction()
      .setIsolationLevel("read committed")
      .execute((trx) => within(remainingMs, work(trx)));
  return inSpan("database transaction", attributes, () => retrying(attempt, retry), SpanKind.CLIENT);
}

async function within<R>(ms: number, work: Promise<R>): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const cause = new Error("the transaction took too long");
    timer = setTimeout(() => reject(errors.dependencyUnavailable({ dependency: "The database" }, cause)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/**
 * For `modifyEnd` of a statement that answers nothing: it is sent with the
 * transaction's next one, and its failure is the next one's, or the transaction's.
 */
export const withNext = sql.raw(sentWithNext);

/** Name of the unique or foreign key, check or exclusion that a failed statement broke; undefined for other errors. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("constraint" in error)) return undefined;
  const { code, constraint } = error;
  // Class 23 of the SQLSTATE codes: integrity constraint violation.
  return String(code).startsWith("23") && typeof constraint === "string" ? constraint : undefined;
}
