import { createHash } from "node:crypto";

/** Names for statements that are worth preparing. */
export interface PreparedStatements {
  /** The name of a statement; undefined when it goes unprepared. */
  nameOf(sql: string): string | undefined;
  /** Gives the statement a new name, so that each connection prepares it again. */
  renew(sql: string): void;
}

/** Each connection keeps every statement that it prepared, so their number is bounded. */
const mostStatements = 500;

/**
 * Prepares the first 500 distinct statements that came twice: what is composed
 * from a list of changing length would otherwise fill the server's memory.
 */
export function preparedStatements(): PreparedStatements {
  const seen = new Set<string>();
  const names = new Map<string, string>();
  let renewals = 0;
  const name = (sql: string) => `${createHash("sha256").update(sql).digest("hex").slice(0, 32)}_${renewals}`;
  return {
    nameOf(sql) {
      const known = names.get(sql);
      if (known !== undefined || names.size >= mostStatements) return known;
      if (seen.has(sql)) {
        seen.delete(sql);
        names.set(sql, name(sql));
      } else {
        if (seen.size >= mostStatements) seen.clear();
        seen.add(sql);
      }
      return names.get(sql);
    },
    renew(sql) {
      renewals++;
      if (names.has(sql)) names.set(sql, name(sql));
    },
  };
}

/** For poolers that hand each transaction to another connection: prepares nothing. */
export const unprepared: PreparedStatements = { nameOf: () => undefined, renew: () => undefined };
