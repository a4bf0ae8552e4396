import { join } from "node:path";
import type { Platform } from "../kit/workload.js";
import type { ColumnStore } from "./store/port.js";
import type { StoreConfig } from "./store-config.js";

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
    case "clickhouse": {
      const { openClickhouse } = await import("./store/clickhouse/store.js");
      return openClickhouse({ address: config.address });
    }
  }
}
