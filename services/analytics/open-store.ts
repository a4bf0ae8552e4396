import { join } from "node:path";
import { ConfigError } from "../kit/config.js";
import type { Platform } from "../kit/workload.js";
import type { StoreConfig } from "./config.js";
import type { ColumnStore } from "./store/port.js";

/** Opens the configured store. Each adapter is loaded only where it is used. */
export async function openStore(
  config: StoreConfig,
  { dataDirectory, database, clock }: Pick<Platform, "dataDirectory" | "database" | "clock">,
): Promise<ColumnStore> {
  switch (config.kind) {
    case "duckdb": {
      const { openDuckdb } = await import("./store/duckdb/store.js");
      return openDuckdb({ directory: join(dataDirectory, "decisions") });
    }
    case "postgres": {
      const { openPostgresStore } = await import("./store/postgres/store.js");
      return openPostgresStore({ database: await database(), clock });
    }
    case "clickhouse":
      throw new ConfigError([
        { name: "ANALYTICS_STORE", value: config.kind, expected: "duckdb or postgres" },
      ]);
  }
}
