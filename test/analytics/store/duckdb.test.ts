import { describe } from "vitest";
import { openDuckdb } from "../../../services/analytics/store/duckdb/store.js";
import { columnStoreContract } from "./contract.js";

describe("DuckDB", () => {
  columnStoreContract({ make: () => openDuckdb(), runs: 10 });
});
