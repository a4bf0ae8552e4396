import { type Kysely, sql } from "kysely";
import { newId } from "./ids.js";

export interface LeasesTable {
  name: string;
  holder: string;
  expires_at: Date;
}

/** The right to do what only one process may do at a time. */
export interface Lease {
  /** Takes or renews it for its time; resolves to false while somebody else has it. */
  hold(): Promise<boolean>;
  /** Gives it back, so that another need not wait until it ends. */
  release(): Promise<void>;
}

/**
 * A lease is a row that names its holder until a time, by the database's clock,
 * changed by compare-and-set. Unlike a session's advisory lock it holds behind
 * a pooler that lends connections by transaction, and costs no transaction held
 * open while its holder works. A holder that was frozen for longer may not know
 * that it has lost it, so what it guards has to bear being done twice.
 */
export function lease<Tables>(
  db: Kysely<Tables>,
  { name, ttlMs }: { readonly name: string; readonly ttlMs: number },
): Lease {
  const holder = newId();
  const table = db as unknown as Kysely<{ leases: LeasesTable }>;
  const end = sql<Date>`now() + ${ttlMs} * interval '1 millisecond'`;
  return {
    async hold() {
      const row = await table
        .insertInto("leases")
        .values({ name, holder, expires_at: end })
        .onConflict((conflict) =>
          conflict
            .column("name")
            .doUpdateSet({ holder, expires_at: end })
            .where((where) =>
              where.or([
                where("leases.holder", "=", holder),
                where("leases.expires_at", "<", sql<Date>`now()`),
              ]),
            ),
        )
        .returning("holder")
        .executeTakeFirst();
      return row !== undefined;
    },
    async release() {
      await table.deleteFrom("leases").where("name", "=", name).where("holder", "=", holder).execute();
    },
  };
}
