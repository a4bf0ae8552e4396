import { join } from "node:path";
import { Store } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Clock } from "../clock.js";
import type { ConfigSource } from "../config.js";
import { type WorkloadName, workloadProfile, workloads } from "../contract/workloads.js";
import { type DatabaseConfig, databaseConfig } from "../stores/database/config.js";
import { openPglite } from "../stores/database/pglite.js";
import type { Database } from "../stores/database/port.js";
import { openPostgres } from "../stores/database/postgres.js";

/** Which stores a process opens. */
export interface StoresConfig {
  readonly database: DatabaseConfig;
}

/**
 * Reads which stores there are; problems stay in the source. Replicas share
 * their stores, so each store within the process is a problem of its own then.
 */
export function storesConfig(
  source: ConfigSource,
  { deployment, running }: { deployment: "single" | "replicated"; running: readonly WorkloadName[] },
): StoresConfig {
  const database = databaseConfig(source);
  if (deployment === "replicated" && withDatabase(running).length > 0 && !database.server) {
    const expected = "the URL of a PostgreSQL server, as replicas cannot share the embedded database";
    source.refuse({ name: "DATABASE_URL", value: "", expected });
  }
  return { database };
}

/** Those of the workloads that have a schema in the database, which is called as they are. */
export function withDatabase(names: readonly WorkloadName[]): WorkloadName[] {
  return names.filter((name) => workloadProfile(workloads.get(name)!).stores.includes(Store.DATABASE));
}

/** Opens the configured database. */
export async function openDatabase(
  { server }: DatabaseConfig,
  options: { readonly dataDirectory: string; readonly applicationName: string; readonly clock: Clock },
): Promise<Database> {
  const { dataDirectory, applicationName, clock } = options;
  if (!server) return openPglite({ directory: join(dataDirectory, "database") });
  return openPostgres({ ...server, applicationName, clock });
}
