import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, vi } from "vitest";
import { openDuckdb } from "../../services/analytics/store/duckdb/store.js";
import { columnStoreContract } from "../analytics/store/contract.js";

// A direct computation walks over a million objects for each plan.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const directories: string[] = [];
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

async function make() {
  const directory = await mkdtemp(join(tmpdir(), "analytics-"));
  directories.push(directory);
  return openDuckdb({ directory });
}

describe("DuckDB over a million decisions", () => {
  columnStoreContract({ make, count: 1_000_000, runs: 20 });
});

describe("DuckDB, every grouping over every filter", () => {
  columnStoreContract({ make, count: 2000, runs: 500, everyPair: true });
});
