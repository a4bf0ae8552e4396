import type { Kysely } from "kysely";
import type { OutboxTables } from "../../kit/outbox.js";
import { defaultTenant } from "../domain/account.js";
import type { AuthTables } from "../store.js";

/**
 * Id of the tenant that somebody names to sign in to, by default the default
 * one. A tenant that does not exist or is disabled gets an id that none has, so
 * that whatever is asked of it goes the way, and takes the time, of an account
 * that does not exist.
 */
export async function signInTenant(db: Kysely<AuthTables & OutboxTables>, name: string): Promise<string> {
  const known = isTenantName(name) ? name : "";
  const query = db.selectFrom("tenants").select("id").where("active", "=", true);
  const row = await query.where("name", "=", known || defaultTenant).executeTakeFirst();
  // Escaped, as text of the database holds no NUL.
  return row && (known !== "" || name === "") ? row.id : `no tenant ${JSON.stringify(name)}`;
}

// A made tenant's id begins with a digit, so is none.
function isTenantName(text: string): boolean {
  return /^[a-z][a-z0-9-]{0,62}$/.test(text);
}
