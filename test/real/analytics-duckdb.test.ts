import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, vi } from "vitest";
import { openDuckdb } from "../../services/analytics/store/duckdb/store.js";
import { columnStoreContract } from "../analytics/store/contract.js";

/** `DECISIONS=1000000` compares as many as the promise was made for; a direct computation walks over all of them for each plan. */
const count = Number(process.env.DECISIONS ?? 100_000);
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const directories: string[] = [];
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

async function make() {
  const directory = await mkdtemp(join(tmpdir(), "analytics-"));
  directories.push(directory);
  return openDuckdb({ directory });
}

describe(`DuckDB over ${count} decisions`, () => {
  columnStoreContract({ make, count, runs: 20 });
});

describe("DuckDB, every grouping over every filter", () => {
  columnStoreContract({ make, count: 2000, runs: 500, everyPair: true });
});
