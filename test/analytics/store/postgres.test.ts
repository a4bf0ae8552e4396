import { afterAll, beforeAll, describe } from "vitest";
import { openPostgresStore } from "../../../services/analytics/store/postgres/store.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { testDatabase } from "../../support/database.js";
import { columnStoreContract } from "./contract.js";

/** What estimates from histograms may be wrong by. */
const percentileError = 0.01;

describe("the PostgreSQL store", () => {
  let database: Database;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database?.end());

  columnStoreContract({ make: () => openPostgresStore({ database }), percentileError, count: 400, runs: 20 });
});
