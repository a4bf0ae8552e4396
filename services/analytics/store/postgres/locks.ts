/** Taken for a transaction by whoever appends, beside others who do. */
export const appendLock = lockSql("pg_advisory_xact_lock_shared");

/** Taken for a transaction by whoever drops what appending may refer to, alone. */
export const dropLock = lockSql("pg_advisory_xact_lock");

function lockSql(lock: string): string {
  return `${lock}(hashtextextended('append to analytics_store', 0))`;
}
