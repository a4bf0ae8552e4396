import { sql } from "kysely";
import type { Auth } from "./auth.js";

/** Everything that a table of auth holds, bytes as Latin-1, for finding what must not be there. */
export async function storedText({ db }: Auth, table: string): Promise<string> {
  const { rows } = await sql<Record<string, unknown>>`select * from ${sql.id("auth", table)}`.execute(db);
  const values = rows.flatMap((row) => Object.values(row));
  return values
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value)))
    .join("\n");
}
