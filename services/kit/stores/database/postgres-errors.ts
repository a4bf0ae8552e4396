import pg from "pg";
import { errors } from "../../errors.js";

/**
 * SQLSTATE classes that tell of the server and not of the statement: connection
 * exceptions (PgBouncer's refusals are 08P01), insufficient resources, operator
 * intervention with the statement timeout, and system errors.
 */
const awayClasses: ReadonlySet<string> = new Set(["08", "53", "57", "58"]);

/**
 * Codes of other classes that tell of the server: a standby that was the primary,
 * transactions ended for idling or for their length, and a lock timeout.
 */
const awayCodes: ReadonlySet<string> = new Set(["25006", "25P03", "25P04", "55P03"]);

/** DEPENDENCY_UNAVAILABLE, with the database's own words for the log alone. */
export function databaseUnavailable(cause?: unknown): Error {
  return errors.dependencyUnavailable({ dependency: "The database" }, cause);
}

/**
 * What a caller learns of a failed statement: DEPENDENCY_UNAVAILABLE when the
 * server or the connection failed, the error itself when the statement did.
 */
export function statementFailure(error: unknown, connectionLost: boolean): unknown {
  const state = sqlState(error);
  const away =
    state === undefined ? connectionLost : awayCodes.has(state) || awayClasses.has(state.slice(0, 2));
  return away ? databaseUnavailable(error) : error;
}

/** Whether a server that refuses a connection is there all the same: it has too many (SQLSTATE 53300). */
export function isFull(error: unknown): boolean {
  return sqlState(error) === "53300";
}

/**
 * Whether a prepared statement is older than a migration that changed its columns,
 * for which there is SQLSTATE 0A000 and the name of the routine to go by.
 */
export function isStalePlan(error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError && error.code === "0A000" && error.routine === "RevalidateCachedQuery"
  );
}

function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}
