import { openPglite } from "../../services/kit/stores/database/pglite.js";
import type { Database } from "../../services/kit/stores/database/port.js";

/**
 * A real database in memory. Starting takes seconds: open one per test file in
 * `beforeAll`, `end` it in `afterAll`, and give each test its own rows.
 */
export function testDatabase(): Promise<Database> {
  return openPglite();
}
