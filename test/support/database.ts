import { openAsBlob } from "node:fs";
import { inject } from "vitest";
import { openPglite } from "../../services/kit/stores/database/pglite.js";
import type { Database } from "../../services/kit/stores/database/port.js";

/** A real database in memory, in which every service's schema stands and holds nothing. Open one per test file in `beforeAll`, `end` it in `afterAll`, and give each test its own rows. */
export async function testDatabase(): Promise<Database> {
  return openPglite({ template: await openAsBlob(inject("migratedTemplate")) });
}

/** The same without any schema. */
export async function emptyDatabase(): Promise<Database> {
  return openPglite({ template: await openAsBlob(inject("databaseTemplate")) });
}
